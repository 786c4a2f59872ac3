"""Packages that a mock may replace: those that run models or use the network. A manifest adds more by `boundaries:`."""

INFERENCE = frozenset(
    {
        "anthropic", "boto3", "botocore", "catboost", "cohere", "ctranslate2", "detectron2", "diffusers", "easyocr",
        "effdet", "flax", "google.generativeai", "groq", "huggingface_hub", "jax", "keras", "langchain",
        "langchain_core", "langchain_openai", "lightgbm", "litellm", "llama_cpp", "mistralai", "mlx", "ollama", "onnx",
        "onnxruntime", "openai", "openvino", "paddle", "paddleocr", "pytesseract", "sentence_transformers", "spacy",
        "tensorflow", "tensorrt", "tesserocr", "tflite_runtime", "tiktoken", "timm", "tokenizers", "torch",
        "torchvision", "transformers", "ultralytics", "unstructured_pytesseract", "vertexai", "vllm", "whisper",
        "xgboost",
    },
)  # fmt: skip

NETWORK = frozenset(
    {
        "aiobotocore", "aiohttp", "asyncpg", "azure", "confluent_kafka", "elasticsearch", "ftplib", "google.cloud",
        "grpc", "http.client", "httpcore", "httplib2", "httpx", "imaplib", "kafka", "minio", "mysql", "paramiko",
        "pika", "psycopg", "psycopg2", "pycurl", "pymongo", "pymysql", "redis", "requests", "s3fs", "selenium",
        "smtplib", "socket", "sqlalchemy", "ssl", "urllib.request", "urllib3", "websocket", "websockets", "zmq",
    },
)  # fmt: skip


def boundary(dotted: str, more: frozenset[str] = frozenset()) -> str:
    """Return the package of a boundary that occurs in a dotted name, as in `pages.fetch.requests.get`; "" for none."""
    parts, packages = dotted.split("."), INFERENCE | NETWORK | more
    names = (".".join(parts[start : start + length]) for start in range(len(parts)) for length in (2, 1))
    return next((name for name in names if name in packages), "")
