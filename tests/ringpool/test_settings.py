"""The environment, read and checked."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from allocator.redis.replicas import Confirmations
from ringpool.settings import Settings, SettingsError, documented, variable


def test_nothing_set_means_the_defaults() -> None:
    """An empty environment is a working one; an empty value counts as unset."""
    settings = Settings.from_environment({"RINGPOOL_WORKERS": " "})
    assert settings == Settings()
    assert settings.data_dir == Path(".ringpool")
    assert settings.redis_timeout_ms == 250


def test_every_setting_is_read() -> None:
    """Each variable of the contract lands in its field, as its type."""
    settings = Settings.from_environment(
        {
            "RINGPOOL_REDIS_URL": "redis+sentinel://a,b/main",
            "RINGPOOL_DATA_DIR": "elsewhere",
            "RINGPOOL_PUBLIC_URL": "https://numbers.example/",
            "RINGPOOL_ADMIN_TOKEN": "a-token-of-some-length",
            "RINGPOOL_SIGNING_KEY": "A" * 42 + "E",
            "RINGPOOL_WORKERS": "4",
            "RINGPOOL_WAIT_REPLICAS": "all-1",
            "RINGPOOL_WAIT_AOF": "yes",
            "RINGPOOL_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8",
            "RINGPOOL_REDIS_TIMEOUT_MS": "100",
            "RINGPOOL_METRICS_PORT": "9464",
            "RINGPOOL_METRICS_HOST": "0.0.0.0",
            "RINGPOOL_METRICS_TOKEN": "another-token-of-some-length",
        }
    )
    assert settings == Settings(
        redis_url="redis+sentinel://a,b/main",
        data_dir=Path("elsewhere"),
        public_url="https://numbers.example",
        admin_token="a-token-of-some-length",
        signing_key="A" * 42 + "E",
        workers=4,
        wait_replicas=Confirmations(None, 1),
        wait_aof=True,
        trusted_proxies=("127.0.0.1", "10.0.0.0/8"),
        redis_timeout_ms=100,
        metrics_port=9464,
        metrics_host="0.0.0.0",
        metrics_token="another-token-of-some-length",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RINGPOOL_REDIS_URL", "http://localhost"),
        ("RINGPOOL_REDIS_URL", "redis://"),
        ("RINGPOOL_REDIS_URL", "redis://[::1"),
        ("RINGPOOL_REDIS_URL", "redis://localhost:99999"),
        ("RINGPOOL_REDIS_URL", "redis://localhost/main"),
        ("RINGPOOL_REDIS_URL", "redis+sentinel://localhost"),
        ("RINGPOOL_REDIS_URL", "rediss://localhost?ssl_ca_certs=/nowhere"),
        ("RINGPOOL_PUBLIC_URL", "numbers.example"),
        ("RINGPOOL_PUBLIC_URL", 'https://numbers.example/"'),
        ("RINGPOOL_PUBLIC_URL", "https://user:word@numbers.example"),
        ("RINGPOOL_PUBLIC_URL", "ftp://numbers.example"),
        ("RINGPOOL_PUBLIC_URL", "https://numbers.example/?x=1"),
        ("RINGPOOL_ADMIN_TOKEN", "short"),
        ("RINGPOOL_ADMIN_TOKEN", "with blanks in the middle"),
        ("RINGPOOL_SIGNING_KEY", "nonsense"),
        ("RINGPOOL_WORKERS", "0"),
        ("RINGPOOL_WORKERS", "many"),
        ("RINGPOOL_WORKERS", "1_0"),
        ("RINGPOOL_WAIT_REPLICAS", "-1"),
        ("RINGPOOL_WAIT_REPLICAS", "17"),
        ("RINGPOOL_WAIT_REPLICAS", "all-"),
        ("RINGPOOL_WAIT_REPLICAS", "all1"),
        ("RINGPOOL_WAIT_REPLICAS", "1"),  # without RINGPOOL_REDIS_URL
        ("RINGPOOL_WAIT_AOF", "yes"),  # likewise
        ("RINGPOOL_WAIT_AOF", "1"),
        ("RINGPOOL_TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
        ("RINGPOOL_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("RINGPOOL_METRICS_PORT", "0"),
        ("RINGPOOL_METRICS_HOST", "localhost"),
        ("RINGPOOL_METRICS_TOKEN", "short"),
        ("RINGPOOL_WEBHOOK_NETWORKS", "ops.example"),
        ("RINGPOOL_SMTP_URL", "mail.example"),
        ("RINGPOOL_SMTP_URL", "smtp+plain://me:word@mail.example"),
        ("RINGPOOL_SMTP_FROM", "Ringpool <a@b.example>"),
        ("RINGPOOL_REDIS_TIMEOUT_MS", "0"),
        ("RINGPOOL_REDIS_TIMEOUT_MS", "1.5"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_setting(name: str, value: str) -> None:
    """The start stops with the name of what is wrong."""
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({name: value})
    assert str(raised.value).startswith(f"{name}: ")
    assert "\n" not in str(raised.value)


def test_secrets_are_not_repeated() -> None:
    """A wrong secret, or a URL with a password in it, isn't printed."""
    for name, value in [
        ("RINGPOOL_ADMIN_TOKEN", "hunter2"),
        ("RINGPOOL_SIGNING_KEY", "hunter2"),
        ("RINGPOOL_REDIS_URL", "http://:hunter2@localhost"),
        ("RINGPOOL_REDIS_URL", "redis://:word@hunter2@localhost:x"),
        ("RINGPOOL_PUBLIC_URL", "https://user:hunter2@numbers.example"),
    ]:
        with pytest.raises(SettingsError) as raised:
            Settings.from_environment({name: value})
        assert "hunter2" not in str(raised.value)


def test_every_setting_is_documented() -> None:
    """The table for docs and --help has a default and a meaning for each field."""
    rows = documented()
    assert [name for name, _, _ in rows] == [variable(spec.name) for spec in fields(Settings)]
    assert all(default and meaning for _, default, meaning in rows)
