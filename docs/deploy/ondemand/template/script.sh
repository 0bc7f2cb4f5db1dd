#!/usr/bin/env bash
# Whoever is signed in at the portal reaches each port of each node through it: the password in
# the path keeps them out. It is no option, as others on the node could read those.
export STREAMLIT_SERVER_BASE_URL_PATH="node/$host/$port/$password"
# The portal hands on the node's name in place of its own, at which pages would be refused.
export STREAMLIT_BROWSER_SERVER_ADDRESS=ondemand.example.org

exec /opt/latent-explorer/.venv/bin/streamlit run /opt/latent-explorer/app.py \
    --server.address=0.0.0.0 --server.port="$port"
