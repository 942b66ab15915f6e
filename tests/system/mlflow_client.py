#!/usr/bin/env python3
"""mlflow_client.py URL FOLDER - a session of the unmodified mlflow client against a server; one line "ok NAME" or "not ok NAME: why" a check.

Needs only mlflow-skinny (or mlflow). Exits 77 where mlflow is not installed, 1 when a check failed.
"""
import math
import os
import sys

try:
    import mlflow
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag, ViewType
    from mlflow.exceptions import MlflowException
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
    mlflow.log_params({"layers": 3, "kind": "mlp", "long": "x" * 6000})
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
    refused("a parameter that is too long", "INVALID_PARAMETER_VALUE", lambda: client.log_param(id, "longer", "x" * 6001))
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
