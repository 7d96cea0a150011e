"""Settings of the process, from MEDIANEST_* variables, a `.env` file, and `*_FILE` variables that name a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "MEDIANEST_"


class _FileVariables(PydanticBaseSettingsSource):
    """MEDIANEST_<NAME>_FILE=/path gives the setting <name> the text of that file."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        return (Path(path).read_text(encoding="utf-8").strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                values[key] = value
        return values


Names = Annotated[list[str], NoDecode]


class AppSettings(BaseSettings):
    """What the operator decides; everything else is edited in the portal."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(Path("data"), description="Folder for the database, keys, caches and downloads.")
    downloads_dir: Path | None = Field(
        None, description="Folder for people's downloads; default: in the data folder."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8484, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    database_url: SecretStr | None = Field(
        None,
        description='SQLAlchemy address, e.g. "postgresql://name:password@host/medianest"; default: SQLite in the data folder.',
    )
    database_pool: int = Field(
        20, ge=3, le=1000, description="Connections to PostgreSQL at most, per process."
    )
    database_patience: float = Field(
        30.0, ge=0, description="Seconds a statement may take on PostgreSQL; 0 is for ever."
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis address; default: everything in this process."
    )
    backup_passphrase: SecretStr | None = Field(
        None, description="Passphrase of encrypted backups; with it the daily ones are encrypted too."
    )
    worker: bool = Field(
        True, description="Run jobs in the web process too; off where `medianest worker` runs them."
    )
    job_lease: float = Field(
        12.0,
        ge=1,
        le=600,
        description="Seconds after which the jobs of a process that died are run by another.",
    )
    sync_history_days: float = Field(
        365,
        ge=0,
        description="Days for which changes of the library are kept, and can be rolled back; 0 is for ever.",
    )
    public_url: str | None = Field(
        None, description="Address under which people reach the portal, without a final slash."
    )
    root_path: str = Field("", description='Sub-path behind a proxy, e.g. "/medianest".')
    trusted_proxies: Names = Field(
        default_factory=list, description="Addresses whose X-Forwarded-* headers are believed."
    )
    log_level: str = Field("info", description="debug, info, warning or error.")
    log_json: bool = Field(False, description="One JSON object a line.")
    dev: bool = Field(
        False, description="Development checks: undefined template names and warnings are errors."
    )
    safe_mode: bool = Field(False, description="Start without any plugin but the built-in ones.")
    plugins_strict: bool = Field(
        False, description="A plugin that is enabled and not active fails the start."
    )
    plugins_disabled: Names = Field(
        default_factory=list, description="Plugins that stay off whatever the portal says."
    )
    trace_hooks: bool = Field(False, description="Print every hook call.")

    @field_validator("trusted_proxies", "plugins_disabled", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("root_path")
    @classmethod
    def _root_path(cls, value: str) -> str:
        value = value.rstrip("/")
        if value and not value.startswith("/"):
            raise ValueError('must start with "/"')
        return value

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError('must start with "http://" or "https://"')
        return value.rstrip("/") if value else None

    @property
    def shared(self) -> bool:
        """Whether several processes may serve this portal: SQLite has room for one."""
        return not self.database.startswith("sqlite")

    @property
    def downloads(self) -> Path:
        """The folder in force for people's downloads."""
        return (self.downloads_dir or self.data_dir / "downloads").absolute()

    @property
    def database(self) -> str:
        """The SQLAlchemy address in force."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'medianest.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FileVariables(settings_cls), dotenv_settings
