# syntax=docker/dockerfile:1
#
#   docker build -t leadpipeline .
#   docker run --rm --read-only -v leads:/data -v "$PWD/samples:/samples:ro" leadpipeline process /samples/leads.jsonl
#
# Nothing secret goes in: keys and passwords come from the environment of the container.

FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
ARG TARGETARCH
WORKDIR /source
# What decides the packages, before the rest: a change of the code alone leaves this layer in the cache.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY src/Contracts/Contracts.csproj src/Contracts/
COPY src/Mcp/Mcp.csproj src/Mcp/
COPY src/Worker/Worker.csproj src/Worker/
RUN --mount=type=cache,id=nuget,target=/root/.nuget/packages \
    dotnet restore src/Worker/Worker.csproj -a $TARGETARCH
COPY src/ src/
RUN --mount=type=cache,id=nuget,target=/root/.nuget/packages \
    dotnet publish src/Worker/Worker.csproj -c Release -a $TARGETARCH --self-contained false --no-restore -o /out/app
# The image below has no shell, and so no mkdir.
RUN mkdir -p /out/data

# Without a shell and a package manager, and "extra": with ICU, without which one person would be two, and with time zones.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra AS run
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LeadPipeline" \
      org.opencontainers.image.description="Takes sales leads in, judges them by evidence, and works them into the CRM" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY --from=build /out/app/ ./
COPY --from=build --chown=$APP_UID:$APP_UID /out/data/ /data/
# In a container, loopback reaches nobody, so the service listens on all addresses, and therefore starts only once Auth says who may call.
# The base image's own port setting would only be warned about. Diagnostics would write to /tmp; set it to 1 to attach dotnet-trace.
ENV Http__Url=http://0.0.0.0:8080 \
    Data__Directory=/data \
    ASPNETCORE_HTTP_PORTS= \
    DOTNET_EnableDiagnostics=0
# A worker under full load takes some 245 MB with these, 265 to 330 without, for 3 to 5 % of its speed: docs/PERFORMANCE.md has what was measured.
# What outlived a collection is looked at in the next one, too (level 0), instead of after 80 MB of it; 16 MB (hexadecimal) of young objects a heap;
# heaps grow by 1 MB and not by 4; and two arenas do for what native libraries ask for.
ENV DOTNET_GCLatencyLevel=0 \
    DOTNET_GCgen0size=1000000 \
    DOTNET_GCRegionSize=100000 \
    MALLOC_ARENA_MAX=2
VOLUME /data
EXPOSE 8080
USER $APP_UID
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["/app/leadpipeline", "health"]
ENTRYPOINT ["/app/leadpipeline"]
CMD ["run"]
