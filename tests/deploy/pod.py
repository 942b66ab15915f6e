"""pod.py FILE [NAME] - prints what a pod of the first Deployment or ServingRuntime in the manifest runs, as lines for a shell: one array for each
container, `init` and `main`, and `name` for what stands in the place of {{.Name}}; writable: the folders that are mounted for writing.
"""
import shlex, sys, yaml

name = sys.argv[2] if len(sys.argv) > 2 else "press"
for document in yaml.safe_load_all(open(sys.argv[1])):
    if document["kind"] not in ("Deployment", "ServingRuntime"): continue
    pod = document["spec"]["template"]["spec"] if document["kind"] == "Deployment" else document["spec"]
    for key, containers in (("init", pod.get("initContainers", [])), ("main", pod["containers"])):
        words = []
        for c in containers[:1]:
            entry = c.get("command", ["/usr/bin/andon"]) # the image's ENTRYPOINT
            words = [w.replace("{{.Name}}", name) for w in entry + c.get("args", [])]
            assert c["securityContext"]["readOnlyRootFilesystem"] is True, c["name"]
        print(f"{key}=({' '.join(map(shlex.quote, words))})")
    c = pod["containers"][0]
    print("writable=(" + " ".join(m["mountPath"] for m in c["volumeMounts"] if not m.get("readOnly")) + ")")
    print("user=" + str((c["securityContext"].get("runAsUser") or pod["securityContext"]["runAsUser"])))
    print("grace=" + str(pod.get("terminationGracePeriodSeconds", 30)))
    break
