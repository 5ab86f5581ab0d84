"""Receives events of a webhook endpoint and verifies them with the reference library of Standard Webhooks."""

import json
import queue
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

base, email, password = f"{sys.argv[1]}/api/v1", sys.argv[2], sys.argv[3]
arrived = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        arrived.put((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def call(method, path, body=None, token=None):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method), timeout=30) as answer:
        return json.loads(answer.read() or "null")


def verified(secret):
    """The next message, if its signature is that of the secret."""
    headers, body = arrived.get(timeout=30)
    return headers, body, Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})


receiver = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
token = call("POST", "/auth/login", {"email": email, "password": password})["accessToken"]
url = f"http://127.0.0.1:{receiver.server_port}/hook"
endpoint = call("POST", "/webhook-endpoints", {"url": url, "eventTypes": ["CategoryChanged"]}, token)
path, secret = f"/webhook-endpoints/{endpoint['webhookEndpointId']}", endpoint["secret"]

call("POST", f"{path}/test", {}, token)
headers, body, message = verified(secret)
assert message["type"] == "WebhookTest", message
headers = {name.lower(): value for name, value in headers.items()}
for changed_headers, changed_body in [
    (headers, body.replace(b"WebhookTest", b"WebhookText")),
    ({**headers, "webhook-id": "other"}, body),
    ({**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}, body),
]:
    try:
        Webhook(secret).verify(changed_body, changed_headers)
        raise SystemExit("a changed message was verified")
    except WebhookVerificationError:
        pass

# For a day after a rotation a receiver that knows either secret verifies.
fresh = call("POST", f"{path}/rotate-secret", {}, token)["secret"]
for known in [secret, fresh]:
    call("POST", f"{path}/test", {}, token)
    verified(known)

# A real event, as the catalogue describes it.
name = f"Webhooks {time.time_ns()}"
category = call("POST", "/categories", {"name": name}, token)
*_, message = verified(fresh)
assert (message["type"], message["data"]["name"]) == ("CategoryChanged", name), message
assert message["data"]["categoryId"] == category["categoryId"], message
deadline = time.monotonic() + 30
while call("GET", f"{path}/deliveries?status=DELIVERED", token=token)["items"].__len__() < 4:
    assert time.monotonic() < deadline, "the deliveries are not recorded"
    time.sleep(0.1)
call("DELETE", path, token=token)
print("webhooks: 4 messages verified by standardwebhooks")
