"""The live page's tests run where its extra is installed; a board has none."""

import importlib.util

missing = [n for n in ("starlette", "uvicorn", "websockets") if not importlib.util.find_spec(n)]
collect_ignore_glob = ["test_*"] if missing else []
