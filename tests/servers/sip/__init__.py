"""Real telephone calls: Kamailio with the recipe of `k8s/sip`, sipp as carrier and call centre."""
