# The exporter from source: Debian's archive and crates.io are all that it needs.
FROM debian:bookworm AS build
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends ca-certificates make
ENV PATH=/root/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /src
# A layer of its own: it changes with the compiler only.
COPY scripts scripts
RUN scripts/setup-bpf-toolchain
COPY . .
RUN cargo build --release --locked --package doubleslit

FROM debian:bookworm-slim
COPY --from=build /src/target/release/doubleslit /usr/local/bin/doubleslit
ENTRYPOINT ["/usr/local/bin/doubleslit"]
CMD ["run"]
