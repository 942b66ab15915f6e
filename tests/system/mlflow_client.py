#!/usr/bin/env python3
"""mlflow_client.py URL FOLDER - a session of the unmodified mlflow client against a server; one line "ok NAME" or "not ok NAME: why" a check.

Needs only mlflow-skinny (or mlflow); what needs pandas, matplotlib or scikit-learn is left out where they are not installed. Exits 77 where mlflow
is not installed, 1 when a check failed.
"""
import importlib.util
import logging
import math
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

try:
    import mlflow
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag, ViewType
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
except ImportError as why:
    print("skipped: python cannot import mlflow:", why)
    sys.exit(77)

URL, FOLDER = sys.argv[1], sys.argv[2]
failed = 0


def check(name, truth, seen=None):
    global failed
    if truth:
        print("ok", name)
    else:
        failed += 1
        print(f"not ok {name}: {seen!r}")


def same(name, wanted, seen):
    check(name, wanted == seen, seen)


def refused(name, code, call):
    try:
        call()
        check(name, False, "it succeeded")
    except MlflowException as why:
        check(name, why.error_code == code, (why.error_code, str(why)))


def has(*packages):
    there = all(importlib.util.find_spec(p) for p in packages)
    if not there:
        print("# left out without", *packages)
    return there


def runs_of(client, experiment, text, **more):
    return [r.info.run_name for r in client.search_runs([experiment], text, **more)]


mlflow.set_tracking_uri(URL)
mlflow.set_registry_uri(URL)
client = MlflowClient()
print("# mlflow", mlflow.__version__)

# ---- experiments
same("the default experiment is there", "Default", client.get_experiment("0").name)
experiment = mlflow.set_experiment("press line").experiment_id
same("set_experiment again finds it", experiment, mlflow.set_experiment("press line").experiment_id)
refused("a second one of that name", "RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment("press line"))
refused("no such experiment", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_experiment("424242"))
check("no such name gives None", client.get_experiment_by_name("nobody") is None)
client.set_experiment_tag(experiment, "hall", "3")
same("tag of an experiment", "3", client.get_experiment(experiment).tags["hall"])
other = client.create_experiment("other", tags={"hall": "4"})
same("search experiments by tag", ["other"], [e.name for e in client.search_experiments(filter_string="tags.hall = '4'")])
same("search experiments by name", ["press line"], [e.name for e in client.search_experiments(filter_string="name LIKE 'press%'")])
client.delete_experiment(other)
same("deleted", "deleted", client.get_experiment(other).lifecycle_stage)
same("deleted ones are found when asked", ["other"], [e.name for e in client.search_experiments(view_type=ViewType.DELETED_ONLY)])
client.restore_experiment(other)
client.rename_experiment(other, "another")
same("renamed and restored", ("another", "active"), (client.get_experiment(other).name, client.get_experiment(other).lifecycle_stage))

# ---- a run
with mlflow.start_run(run_name="first", tags={"line": "A1"}) as run:
    id = run.info.run_id
    mlflow.log_param("rate", 0.1)
    mlflow.log_param("rate", 0.1)
    mlflow.log_params({"layers": 3, "kind": "mlp", "long": "x" * 8000})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"acc": 0.5, "f1": 0.25}, step=2)
    mlflow.log_metric("bad", math.nan)
    mlflow.log_metric("much", math.inf)
    mlflow.set_tag("shift", "früh")
    mlflow.set_tags({"x": "1", "gone": "1"})
    mlflow.delete_tag("gone")
    mlflow.log_text("hello", "notes/a.txt")
    mlflow.log_dict({"a": [1, 2]}, "d.json")
    client.log_batch(id, [Metric("acc", 0.75, 1700000000000, 3)], [Param("p9", "9")], [RunTag("batch", "yes")])
    refused("a parameter is written once", "INVALID_PARAMETER_VALUE", lambda: client.log_param(id, "rate", 0.2))
    refused("a parameter that is too long", "INVALID_PARAMETER_VALUE", lambda: client.log_param(id, "longer", "x" * 8001))
seen = client.get_run(id)
same("status", "FINISHED", seen.info.status)
same("name", "first", seen.info.run_name)
check("times", seen.info.end_time >= seen.info.start_time > 1.6e12, seen.info)
same("parameters", ("0.1", "3", "mlp", "9"), tuple(seen.data.params[k] for k in ("rate", "layers", "kind", "p9")))
same("last metrics", (0.2, 0.75, 0.25), tuple(seen.data.metrics[k] for k in ("loss", "acc", "f1")))
check("NaN", math.isnan(seen.data.metrics["bad"]), seen.data.metrics)
same("infinity", math.inf, seen.data.metrics["much"])
same("tags", ("A1", "früh", "yes", None), tuple(seen.data.tags.get(k) for k in ("line", "shift", "batch", "gone")))
history = client.get_metric_history(id, "loss")
same("history", [(i, 1 / (i + 1)) for i in range(5)], [(m.step, m.value) for m in sorted(history, key=lambda m: m.step)])
refused("no such run", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("0" * 32))
refused("a run that does not exist takes no metric", "RESOURCE_DOES_NOT_EXIST", lambda: client.log_metric("0" * 32, "a", 1))

big = [Metric(f"m{i}", i, 1700000000000, i) for i in range(1000)]
client.log_batch(id, big)
same("a batch of 1,000 metrics", 999.0, client.get_run(id).data.metrics["m999"])

# ---- artifacts
os.makedirs(os.path.join(FOLDER, "in", "deep"), exist_ok=True)
blob = bytes(range(256)) * 4096
with open(os.path.join(FOLDER, "in", "blob.bin"), "wb") as file:
    file.write(blob)
with open(os.path.join(FOLDER, "in", "deep", "ümläut & space.txt"), "w") as file:
    file.write("deep")
open(os.path.join(FOLDER, "in", "empty"), "w").close()
client.log_artifact(id, os.path.join(FOLDER, "in", "blob.bin"), "files")
client.log_artifacts(id, os.path.join(FOLDER, "in"), "all")
same("list", [("all", True), ("d.json", False), ("files", True), ("notes", True)], sorted((f.path, f.is_dir) for f in client.list_artifacts(id)))
same("list below", [("all/blob.bin", len(blob)), ("all/deep", None), ("all/empty", 0)], sorted((f.path, f.file_size) for f in client.list_artifacts(id, "all")))
back = client.download_artifacts(id, "all", os.path.join(FOLDER))
with open(os.path.join(back, "blob.bin"), "rb") as file:
    check("download gives the same bytes", file.read() == blob)
with open(os.path.join(back, "deep", "ümläut & space.txt")) as file:
    same("a name with blanks and umlauts", "deep", file.read())
same("an empty file", 0, os.path.getsize(os.path.join(back, "empty")))
same("load_text", "hello", mlflow.artifacts.load_text(f"runs:/{id}/notes/a.txt"))
same("load_dict", {"a": [1, 2]}, mlflow.artifacts.load_dict(f"runs:/{id}/d.json"))

# ---- searching
for i in range(4):
    with mlflow.start_run(run_name=f"r{i}"):
        mlflow.log_metric("acc", i / 10)
        mlflow.log_param("model.depth", i)
        mlflow.set_tag("group", "even" if i % 2 == 0 else "odd")
same("metrics >", ["first", "r3"], sorted(runs_of(client, experiment, "metrics.acc > 0.25")))
same("params =", ["r2"], runs_of(client, experiment, "params.`model.depth` = '2'"))
same("tags and metrics", ["r1"], runs_of(client, experiment, "tags.group = 'odd' and metrics.acc < 0.2"))
same("LIKE minds the case", [], runs_of(client, experiment, "tags.group LIKE 'OD%'"))
same("ILIKE does not", 2, len(runs_of(client, experiment, "tags.group ILIKE 'OD%'")))
same("attributes", ["r3"], runs_of(client, experiment, "attributes.run_name = 'r3' and attributes.status = 'FINISHED'"))
same("IN", [id], [r.info.run_id for r in client.search_runs([experiment], f"attributes.run_id IN ('{id}', 'x')")])
same("order by metric", ["r0", "r1", "r2", "r3", "first"], runs_of(client, experiment, "", order_by=["metrics.acc ASC"]))
same("order down", ["first", "r3", "r2", "r1", "r0"], runs_of(client, experiment, "", order_by=["metrics.acc DESC"]))
page = client.search_runs([experiment], max_results=2)
names = [r.info.run_name for r in page]
while page.token:
    page = client.search_runs([experiment], max_results=2, page_token=page.token)
    names += [r.info.run_name for r in page]
same("pages", ["r3", "r2", "r1", "r0", "first"], names)
refused("a filter that cannot be read", "INVALID_PARAMETER_VALUE", lambda: client.search_runs([experiment], "metrics.acc >> 1"))
refused("an attack", "INVALID_PARAMETER_VALUE", lambda: client.search_runs([experiment], "tags.a = 'x'; DROP TABLE mlflow_runs"))
client.delete_run(id)
same("a deleted run is not found", ["r3", "r2", "r1", "r0"], runs_of(client, experiment, ""))
same("unless asked for", ["first"], runs_of(client, experiment, "", run_view_type=ViewType.DELETED_ONLY))
client.restore_run(id)
same("restored", "active", client.get_run(id).info.lifecycle_stage)
client.update_run(id, status="KILLED", name="renamed")
same("updated", ("KILLED", "renamed"), (client.get_run(id).info.status, client.get_run(id).info.run_name))
with mlflow.start_run(run_name="parent") as parent:
    with mlflow.start_run(nested=True, run_name="child"):
        pass
same("children", ["child"], runs_of(client, experiment, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"))


# ---- every operator of the filter language
e = client.create_experiment("filters")
for i in range(4):
    with mlflow.start_run(experiment_id=e, run_name=f"f{i}"):
        mlflow.log_metrics({"m": i / 4, "a b/c": i})
        mlflow.log_param("p", f"v{i}")
        mlflow.set_tag("t", f"T{i}")
        if i == 3:
            mlflow.log_metric("n", math.nan)
for text, wanted in {
    "metrics.m > 0.25": "23",
    "metrics.m >= 0.25": "123",
    "metrics.m < 0.25": "0",
    "metrics.m <= 0.25": "01",
    "metrics.m = 0.25": "1",
    "metrics.m != 0.25": "023",
    "metrics.`a b/c` = 3": "3",
    'metrics."a b/c" = 3': "3",
    "metric.m > -1 and metric.m < 1e3": "0123",
    "params.p = 'v1'": "1",
    'params.p = "v1"': "1",
    "params.p != 'v1'": "023",
    "params.p LIKE 'v%'": "0123",
    "params.p ILIKE 'V_'": "0123",
    "params.p IS NOT NULL": "0123",
    "params.nope IS NULL": "0123",
    "tags.t = 'T1' AND params.p LIKE '%1'": "1",
    "tags.'t' = 'T1'": "1",
    "tags.nope IS NOT NULL": "",
    "attributes.status = 'FINISHED' and run_name LIKE 'f%'": "0123",
    "attributes.`Run name` = 'f2'": "2",
    "attributes.start_time > 0": "0123",
    "attributes.run_id NOT IN ('x')": "0123",
}.items():
    same(text, [f"f{c}" for c in wanted], sorted(runs_of(client, e, text)))
for text in ("metrics.m > 'a'", "params.p = 1", "metrics.m", "tags.t = T1", "metrics.m > 0.5 or metrics.m < 0.2", "(metrics.m > 0.5)", "bogus.x = 1", "attributes.nope = 'x'"):
    refused(text, "INVALID_PARAMETER_VALUE", lambda: client.search_runs([e], text))
same("no number comes before nothing", ["f3", "f0", "f1", "f2"], runs_of(client, e, "", order_by=["metrics.n", "params.p"]))
refused("a page of nothing", "INVALID_PARAMETER_VALUE", lambda: client.search_runs([e], max_results=0))

# ---- what may be said twice
id2 = client.create_run(e).info.run_id
client.delete_run(id2)
client.delete_run(id2)
client.restore_run(id2)
client.restore_run(id2)
same("deleted and restored twice", "active", client.get_run(id2).info.lifecycle_stage)
client.set_terminated(id2, "FAILED")
same("terminated", "FAILED", client.get_run(id2).info.status)

# ---- many at once: child runs of threads, logging behind the caller's back
with mlflow.start_run(experiment_id=e, run_name="threads") as parent:

    def child(i):
        with mlflow.start_run(nested=True, parent_run_id=parent.info.run_id, experiment_id=e, run_name=f"c{i}"):
            for step in range(10):
                mlflow.log_metric("loss", i, step=step)
            mlflow.log_text("x" * 1000, f"a{i}.txt")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(child, range(12)))
same("12 children by 6 threads", 12, len(client.search_runs([e], f"tags.mlflow.parentRunId = '{parent.info.run_id}' and metrics.loss >= 0")))
mlflow.config.enable_async_logging()
with mlflow.start_run(experiment_id=e) as run:
    for step in range(300):
        mlflow.log_metric("m", step, step=step)
    for i in range(150):
        mlflow.log_param(f"p{i}", i)
    mlflow.flush_async_logging()
mlflow.config.enable_async_logging(False)
same("asynchronous metrics", list(range(300)), sorted(m.step for m in client.get_metric_history(run.info.run_id, "m")))
same("asynchronous parameters", 150, len(client.get_run(run.info.run_id).data.params))
for first in range(0, 2500, 500):
    client.log_batch(id2, [Metric("h", i, i, i) for i in range(first, first + 500)])
same("a long history", list(range(2500)), [m.step for m in client.get_metric_history(id2, "h")])

# ---- a file that is larger than what a server would like to keep in memory, also by clients that are told to send parts
large = os.path.join(FOLDER, "large.bin")
block = os.urandom(1 << 20)
with open(large, "wb") as file:
    for i in range(80):
        file.write(i.to_bytes(4, "big") + block[4:])
logging.getLogger("mlflow").setLevel(logging.ERROR)
for name in ("plain", "parts"):
    client.log_artifact(id2, large, name)
    back = mlflow.artifacts.download_artifacts(run_id=id2, artifact_path=f"{name}/large.bin", dst_path=os.path.join(FOLDER, name))
    with open(back, "rb") as one, open(large, "rb") as other:
        check(f"80 MiB there and back, {name}", all(one.read(1 << 20) == other.read(1 << 20) for _ in range(81)))
    os.environ.update(MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD="true", MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE="1", MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD="true")
os.environ.update(MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD="false", MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD="false")
os.remove(large)

# ---- artifacts as the client's repositories ask for them
store = get_artifact_repository(client.get_run(id2).info.artifact_uri)
client.log_text(id2, "x", "a/b/c.txt")
same("a folder with a slash behind it", ["a/b"], [f.path for f in store.list_artifacts("a/")])
store.delete_artifacts("a")
store.delete_artifacts("a")
same("deleted twice", ["parts", "plain"], [f.path for f in store.list_artifacts()])
store.delete_artifacts()
same("all deleted", [], client.list_artifacts(id2))
place = client.create_experiment("elsewhere", artifact_location="mlflow-artifacts:/of/our/choice")
there = client.create_run(place).info
client.log_text(there.run_id, "x", "a.txt")
same("artifacts of an experiment with a place of its own", "x", mlflow.artifacts.load_text("mlflow-artifacts:/of/our/choice/" + there.run_id + "/artifacts/a.txt"))

# ---- traces are not kept, and hold nobody up
start = time.monotonic()
with mlflow.start_span("a span") as span:
    span.set_outputs(1)
mlflow.flush_trace_async_logging()
check("a trace does no harm", time.monotonic() - start < 30)

# ---- tables, datasets, pictures
if has("pandas", "numpy"):
    import pandas

    mlflow.set_experiment(experiment_id=e)  # where tables are looked for
    with mlflow.start_run() as run:
        mlflow.log_table({"a": [1, 2], "b": ["x", "y"]}, "t.json")
        mlflow.log_table({"a": [3], "b": ["z"]}, "t.json")
        mlflow.log_input(mlflow.data.from_pandas(pandas.DataFrame({"a": [1, 2]}), source="plain.csv", name="train"), context="training", tags={"k": "v"})
    same("a table that grows", [[1, "x"], [2, "y"], [3, "z"]], mlflow.load_table("t.json", [run.info.run_id]).values.tolist())
    seen = client.get_run(run.info.run_id).inputs.dataset_inputs[0]
    same("its dataset", ("train", '{"num_rows": 2, "num_elements": 2}'), (seen.dataset.name, seen.dataset.profile))
    same("tags of the dataset", {"k": "v", "mlflow.data.context": "training"}, {t.key: t.value for t in seen.tags})
    same("found by its dataset", 1, len(client.search_runs([e], "dataset.name = 'train' and dataset.context = 'training'")))
    found = mlflow.search_runs([e], "params.p IS NOT NULL", order_by=["params.p"])
    same("as a table", [["v0", 0.0], ["v1", 0.25]], found[["params.p", "metrics.m"]].values.tolist()[:2])
if has("matplotlib", "PIL", "numpy"):
    import matplotlib
    import numpy

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with mlflow.start_run(experiment_id=e) as run:
        mlflow.log_figure(pyplot.figure(), "f/figure.png")
        mlflow.log_image(numpy.zeros((8, 8, 3), dtype=numpy.uint8), "i.png")
        mlflow.log_image(numpy.zeros((8, 8, 3), dtype=numpy.uint8), key="im", step=3)
    same("pictures", ["f", "i.png", "images"], sorted(f.path for f in client.list_artifacts(run.info.run_id)))
    same("a picture comes back", (8, 8), mlflow.artifacts.load_image(run.info.artifact_uri + "/i.png").size)
if has("sklearn", "skops", "pandas"):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    frame = pandas.DataFrame({"a": [i % 7 for i in range(60)], "b": [i % 5 for i in range(60)]})
    truth = (frame.a + frame.b > 4).astype(int)
    mlflow.set_experiment("sklearn")
    mlflow.sklearn.autolog()
    with mlflow.start_run() as run:
        search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1, 10]}, cv=3).fit(frame, truth)
    mlflow.sklearn.autolog(disable=True)
    data = client.get_run(run.info.run_id).data
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    same("autolog of a grid search: children", 3, len(children))
    check("autolog: parameters and scores", "best_C" in data.params and "best_cv_score" in data.metrics, data)
    with mlflow.start_run() as run:
        made = mlflow.sklearn.log_model(search.best_estimator_, name="lr", registered_model_name="LR", input_example=frame.head(2))
        judged = None
        if has("matplotlib"):
            how = {"log_explainer": False}
            judged = mlflow.models.evaluate(made.model_uri, frame.assign(t=truth), targets="t", model_type="classifier", evaluator_config=how)
    client.set_registered_model_alias("LR", "champion", 1)
    for uri in ("models:/LR/1", "models:/LR@champion", "models:/LR/latest", f"runs:/{run.info.run_id}/lr"):
        check(f"loaded by {uri.split('/')[0]} and answers", (mlflow.pyfunc.load_model(uri).predict(frame) == search.predict(frame)).all())
    if judged:
        seen = client.get_run(run.info.run_id)
        check("evaluated", judged.metrics["accuracy_score"] > 0.5 and seen.inputs.dataset_inputs, judged.metrics)
mlflow.set_experiment("press line")


# ---- models
def log_model():
    try:

        class Doubled(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                return [2 * x for x in model_input]

        with mlflow.start_run(run_name="model") as made:
            info = mlflow.pyfunc.log_model(name="doubled", python_model=Doubled(), registered_model_name="press", pip_requirements=["mlflow"])
            mlflow.log_metric("acc", 0.9, model_id=info.model_id)
        return made.info.run_id, info
    except ImportError as why:  # mlflow-skinny without numpy and pandas
        print("# no models of Python here:", why)
        return None, None


made, info = log_model()
if info:
    check("the model has an id", info.model_id.startswith("m-"), info.model_id)
    model = mlflow.get_logged_model(info.model_id)
    same("it is ready", "READY", model.status.value)
    same("its run", made, model.source_run_id)
    check("its metric", any(m.key == "acc" and m.value == 0.9 for m in model.metrics), model.metrics)
    found = mlflow.search_logged_models([experiment], filter_string="metrics.acc > 0.5 and name = 'doubled'", output_format="list")
    same("a version made of it knows its run", made, client.get_model_version("press", "1").run_id)
    same("search logged models", [info.model_id], [m.model_id for m in found])
    same("outputs of the run", [info.model_id], [m.model_id for m in client.get_run(made).outputs.model_outputs])
    same("loaded by id and asked", [2, 4], mlflow.pyfunc.load_model(info.model_uri).predict([1, 2]))
    same("loaded by name and version", [6], mlflow.pyfunc.load_model("models:/press/1").predict([3]))
    client.set_registered_model_alias("press", "champion", 1)
    same("loaded by alias", [8], mlflow.pyfunc.load_model("models:/press@champion").predict([4]))
    client.set_logged_model_tags(info.model_id, {"k/1": "v"})
    same("tags of a logged model", "v", client.get_logged_model(info.model_id).tags["k/1"])
    client.delete_logged_model_tag(info.model_id, "k/1")
    same("and without", None, client.get_logged_model(info.model_id).tags.get("k/1"))

# ---- the registry
client.create_registered_model("weld", tags={"hall": "3"}, description="welding")
refused("a second one", "RESOURCE_ALREADY_EXISTS", lambda: client.create_registered_model("weld"))
refused("no such model", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("nobody"))
uri = client.get_run(id).info.artifact_uri
one = client.create_model_version("weld", f"{uri}/all", id, tags={"t": "1"}, description="one")
two = client.create_model_version("weld", f"runs:/{id}/all", id)
same("versions count up", ("1", "2"), (str(one.version), str(two.version)))
same("ready", "READY", client.get_model_version("weld", "1").status)
same("a source runs:/ is resolved", f"{uri}/all", client.get_model_version_download_uri("weld", "2"))
refused("a source that does not exist", "INVALID_PARAMETER_VALUE", lambda: client.create_model_version("weld", "models:/m-nobody", id))
client.set_registered_model_alias("weld", "champion", 1)
same("by alias", "1", str(client.get_model_version_by_alias("weld", "champion").version))
client.set_registered_model_alias("weld", "champion", 2)
same("moved", "2", str(client.get_model_version_by_alias("weld", "champion").version))
same("aliases of the model", {"champion": "2"}, {k: str(v) for k, v in client.get_registered_model("weld").aliases.items()})
client.delete_registered_model_alias("weld", "champion")
refused("no alias", "INVALID_PARAMETER_VALUE", lambda: client.get_model_version_by_alias("weld", "champion"))
client.transition_model_version_stage("weld", "1", "Production")
client.transition_model_version_stage("weld", "2", "Production", archive_existing_versions=True)
same("stages", ("Archived", "Production"), tuple(client.get_model_version("weld", v).current_stage for v in ("1", "2")))
same("latest of a stage", ["2"], [str(v.version) for v in client.get_latest_versions("weld", ["Production"])])
client.set_model_version_tag("weld", "1", "checked", "yes")
same("tag of a version", "yes", client.get_model_version("weld", "1").tags["checked"])
client.delete_model_version_tag("weld", "1", "checked")
client.set_registered_model_tag("weld", "k", "v")
same("tags of the model", {"hall": "3", "k": "v"}, client.get_registered_model("weld").tags)
client.delete_registered_model_tag("weld", "k")
client.update_model_version("weld", "1", "changed")
client.update_registered_model("weld", "both")
same("descriptions", ("changed", "both"), (client.get_model_version("weld", "1").description, client.get_registered_model("weld").description))
same("search models", ["weld"], [m.name for m in client.search_registered_models("name LIKE 'we%' and tags.hall = '3'")])
same("search versions", ["2", "1"], [str(v.version) for v in client.search_model_versions("name = 'weld'", order_by=["version_number DESC"])])
same("search versions by run", 2, len(client.search_model_versions(f"run_id = '{id}'")))
copied = client.copy_model_version("models:/weld/1", "copy") if info else None
if copied:
    same("a copy leads to the same files", f"{uri}/all", client.get_model_version_download_uri("copy", "1"))
client.rename_registered_model("weld", "welding")
same("renamed, with its versions", "1", str(client.get_model_version("welding", "1").version))
client.delete_model_version("welding", "1")
refused("deleted version", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version("welding", "1"))
same("numbers are not given again", "3", str(client.create_model_version("welding", f"{uri}/all").version))
client.delete_registered_model("welding")
refused("deleted model", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("welding"))

print(f"# {failed} failed")
sys.exit(1 if failed else 0)
