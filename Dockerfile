# The gateway. The pages of `tidegate demo` are not in it: they are built by Node, see scripts/.
FROM python:3.13-slim
RUN useradd --system --no-create-home tidegate
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir . && rm -rf src
USER tidegate
ENV TIDEGATE_HOST=0.0.0.0
EXPOSE 8000
CMD ["tidegate", "serve"]
