class Settings:
    """What can be set; one property stands for what pydantic-settings computes."""

    def __init__(self) -> None:
        self.language = "en"

    @property
    def resolution(self) -> int:
        return 300


settings = Settings()
