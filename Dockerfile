# The exporter from source: Debian's archive and crates.io are all that it needs.
FROM debian:bookworm AS build
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends ca-certificates make
ENV PATH=/root/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /src
# A layer of its own: it changes with the compiler only.
COPY scripts/lib.sh scripts/setup-bpf-toolchain scripts/
RUN scripts/setup-bpf-toolchain
COPY . .
RUN cargo build --release --locked --package doubleslit

# The last stage stands on its own: scripts/setup-demo-images makes it with a binary that is there already.
FROM debian:bookworm-slim
# Whom a collector's certificate may be signed by.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/doubleslit /usr/local/bin/doubleslit
# Asked at its own socket, whatever the web side wants of who asks there.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["doubleslit", "trace", "list"]
ENTRYPOINT ["/usr/local/bin/doubleslit"]
CMD ["run"]
