"""Real telephone calls: Kamailio with the recipe of `k8s/sip`, and sipp as carrier and call centre."""
