# schemathesis_checks.py - hooks for schemathesis (SCHEMATHESIS_HOOKS): its check not_a_server_error, but for 504. That is no defect: it says in time that the deadline which
# the request named passed before the rows were scored, as they may on a machine that stands still for a second.
import schemathesis


@schemathesis.check
def no_defect_of_the_server(ctx, response, case):
    assert response.status_code < 500 or response.status_code == 504, f"{response.status_code}: {response.text[:300]}"
