"""What the measurements need: services, pools, requests, wrk."""
