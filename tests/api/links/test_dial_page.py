"""The page that dials."""

from __future__ import annotations

import base64
import hashlib
import re

from tests.api.conftest import Site

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)


async def test_phones_get_a_page_that_dials(site: Site) -> None:
    """Click to call: the page opens the dialer, then goes on; its policy names its one script."""
    pool = await site.pool(mobile_click_to_call=True)
    url = f"/t/{pool}?website=%22%3E%3Cscript%3E"
    response = await site.client.get(url, headers={"user-agent": PHONE})
    assert response.status_code == 200
    text = response.text
    number = (await site.ask(pool, website='"><script>')).json()["number"]
    assert f'href="tel:{number}"' in text
    assert 'href="https://landing.example/offer?website=%22%3E%3Cscript%3E&amp;rp_number=' in text
    (script,) = re.findall(r"<script>(.*?)</script>", text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in response.headers["content-security-policy"]
    assert (await site.client.get(url)).status_code == 302
    hinted = await site.client.get(url, headers={"user-agent": PHONE, "sec-ch-ua-mobile": "?0"})
    assert hinted.status_code == 302
    off = await site.client.get(f"{url}&mobile_click_to_call=0", headers={"user-agent": PHONE})
    assert off.status_code == 302
    assert "click_to_call" not in off.headers["location"]
