# Open OnDemand sources it on the node, where it has set host and lends the two functions.
port=$(find_port "$host")
password=$(create_passwd 32)
export host port password
