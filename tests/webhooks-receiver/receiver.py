#!/usr/bin/env python3
"""A receiver of Ringback's webhooks: verifies them with the package `standardwebhooks` and prints what arrived.

    pip install standardwebhooks
    python3 receiver.py --secret-file secret.txt --port 8000

The file holds the secret that `ringback admin webhook create` showed. Each request becomes a line of JSON on standard
output. For trying things out, a URL that ends in /status/500 is answered with 500, and with --hold each answer waits for
a line on standard input.
"""

import argparse
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

seen = set()  # A receiver that must not do things twice keeps this on disk, with what it did.
printing = threading.Lock()


def is_genuine(body, headers, secret):
    """Whether the request was signed with our secret, a few minutes ago at most. The body is taken as it arrived."""
    try:
        Webhook(secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with open(self.server.secret_file) as file:
            secret = file.read().strip()
        genuine = is_genuine(body, headers, secret)
        message_id = headers.get("webhook-id", "")
        with printing:
            # Webhooks come at least once: the same id is the same event.
            duplicate = genuine and message_id in seen
            if genuine:
                seen.add(message_id)
            record = {"genuine": genuine, "duplicate": duplicate, "headers": headers, "body": body.decode()}
            print(json.dumps(record), flush=True)
        if self.server.hold:
            sys.stdin.readline()
        _, asked, status = self.path.rpartition("/status/")
        self.send_response(401 if not genuine else int(status) if asked else 204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--secret-file", required=True)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--hold", action="store_true")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Receiver)
    server.secret_file, server.hold = options.secret_file, options.hold
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
