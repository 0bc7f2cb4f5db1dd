"""In /etc/jupyter/ of the environment that JupyterHub starts users' servers in."""

_PROGRAM = "/opt/latent-explorer"

c.ServerProxy.servers = {  # type: ignore[name-defined] # noqa: F821 - Jupyter's own name
    "latent": {
        "command": [
            f"{_PROGRAM}/.venv/bin/streamlit", "run", f"{_PROGRAM}/app.py",
            "--server.address=127.0.0.1", "--server.port={port}",
            "--server.baseUrlPath={base_url}latent",
        ],
        "absolute_url": True,
        "timeout": 120,
        "launcher_entry": {"title": "Latent Explorer"},
    }
}  # fmt: skip
