"""kserve_fields.py FILE.yaml... - holds manifests of serving.kserve.io against KServe's own models of its resources (Python package kserve), and the
pod parts in them against those of Kubernetes (package kubernetes): every field is known, has its type, and none that must be there is missing.
Server-side webhooks (defaults, which runtime fits) need a cluster and are not asked. Exits 1 with a line for each fault, 77 without the packages.
"""
import importlib, importlib.util, re, sys, types

try:
    import yaml
    import kubernetes.client.models as kubernetes_models
    found = importlib.util.find_spec("kserve")
    if not found: raise ImportError("no package kserve")
    # its models alone: the package itself imports a whole server, whose dependencies are not needed here
    for name in ("kserve", "kserve.models"):
        module = types.ModuleType(name)
        module.__path__ = [p + ("/models" if name.endswith("models") else "") for p in found.submodule_search_locations]
        sys.modules[name] = module
    importlib.import_module("kserve.configuration")
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)


def snake(name): return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.replace("V1alpha1", "v1alpha1_").replace("V1beta1", "v1beta1_")).lower().replace("__", "_")


def model(name):
    if name.startswith(("V1alpha1", "V1beta1")):
        for file in (snake(name), snake(name).replace("_ml", "ml")):
            try: return getattr(importlib.import_module("kserve.models." + file), name)
            except ModuleNotFoundError: pass
    name = name.removeprefix("K8sIoApiCore").removeprefix("K8sIoApiApps")
    return getattr(kubernetes_models, name, None)


faults = []
simple = {"str": str, "int": int, "float": (int, float), "bool": bool}


def check(kind, value, where):
    kind = re.sub(r"^Optional\[(.*)\]$", r"\1", kind).replace("List[", "list[").replace("Dict[", "dict(")
    if kind.startswith("dict(") and kind.endswith("]"): kind = kind[:-1] + ")"
    if kind.startswith("list["):
        if not isinstance(value, list): return faults.append(f"{where}: not a list")
        for i, v in enumerate(value): check(kind[5:-1], v, f"{where}[{i}]")
    elif kind.startswith("dict("):
        inner = kind[5:-1].split(", ", 1)[1]
        if not isinstance(value, dict): return faults.append(f"{where}: not a mapping")
        for k, v in value.items(): check(inner, v, f"{where}.{k}")
    elif kind in simple:
        wrong = not isinstance(value, simple[kind]) or (kind == "int" and isinstance(value, bool))
        if wrong: faults.append(f"{where}: {value!r} is not of type {kind}")
    elif kind in ("object", "date", "datetime", "IntOrString", "ResourceQuantity", "KnativeURL", "V1Time"):
        pass
    else:
        cls = model(kind)
        if cls is None: return faults.append(f"{where}: no model of {kind}")
        if not isinstance(value, dict): return faults.append(f"{where}: not a mapping, but a {kind}")
        known = {json: attribute for attribute, json in cls.attribute_map.items()}
        for key in value:
            if key in known: check(cls.openapi_types[known[key]], value[key], f"{where}.{key}")
            else: faults.append(f"{where}: unknown field {key!r} of {kind}")
        if hasattr(cls, "model_fields"): # of kubernetes 36 and later
            for name, field in cls.model_fields.items():
                json = cls.attribute_map.get(name, name)
                if field.is_required() and json not in value: faults.append(f"{where}: {json} is missing")
        else:
            try: cls(**{known[k]: v for k, v in value.items() if k in known})
            except ValueError as fault: faults.append(f"{where}: {fault}")


kinds = {("serving.kserve.io/v1alpha1", "ServingRuntime"): "V1alpha1ServingRuntime", ("serving.kserve.io/v1alpha1", "ClusterServingRuntime"): "V1alpha1ClusterServingRuntime",
         ("serving.kserve.io/v1beta1", "InferenceService"): "V1beta1InferenceService"}
runtimes, services = {}, []
for path in sys.argv[1:]:
    for document in yaml.safe_load_all(open(path)):
        key = document.get("apiVersion"), document.get("kind")
        if key not in kinds:
            faults.append(f"{path}: {key} is no kind of KServe")
            continue
        check(kinds[key], document, path)
        if key[1] == "ServingRuntime": runtimes[document["metadata"]["name"]] = document["spec"]
        else: services.append((path, document))

# what its webhooks would say of the two together
for path, service in services:
    predictor = service["spec"].get("predictor", {})
    wanted, runtime = predictor.get("model", {}), runtimes.get(predictor.get("model", {}).get("runtime"))
    annotations = service["metadata"].get("annotations", {})
    if annotations.get("serving.kserve.io/deploymentMode") not in ("Standard", "RawDeployment", "Knative", "Serverless"): faults.append(f"{path}: deploymentMode")
    if annotations.get("serving.kserve.io/autoscalerClass") not in ("hpa", "keda", "external", "none"): faults.append(f"{path}: autoscalerClass")
    if predictor.get("minReplicas", 1) > predictor.get("maxReplicas", 1): faults.append(f"{path}: minReplicas > maxReplicas")
    if annotations.get("serving.kserve.io/autoscalerClass") == "hpa" and predictor.get("scaleMetric") not in ("cpu", "memory"): faults.append(f"{path}: the class hpa scales by cpu or memory")
    if runtime is None: faults.append(f"{path}: no runtime {wanted.get('runtime')!r} among the files")
    else:
        if wanted.get("modelFormat", {}).get("name") not in [f.get("name") for f in runtime.get("supportedModelFormats", [])]: faults.append(f"{path}: the runtime does not take this modelFormat")
        if wanted.get("protocolVersion", "v1") not in runtime.get("protocolVersions", []): faults.append(f"{path}: the runtime does not speak this protocolVersion")
        if [c.get("name") for c in runtime.get("containers", [])].count("kserve-container") != 1: faults.append(f"{path}: the runtime has no container kserve-container")
print(*faults, sep="\n")
sys.exit(1 if faults else 0)
