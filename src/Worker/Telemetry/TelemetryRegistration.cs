using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Http.OpenApi;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LeadPipeline.Worker.Telemetry;

/// <summary>Metrics and traces: Prometheus text at <c>/metrics</c>, and OTLP when an endpoint is configured.</summary>
public static class TelemetryRegistration
{
    /// <summary>The environment variable that names the collector.</summary>
    public const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static readonly string[] Meters =
        [PipelineMeters.Name, CrmMeters.Name, "Npgsql", "System.Runtime", "System.Net.Http", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];

    /// <summary>Adds them.</summary>
    public static void AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<PrometheusExporter>();
        // Names of webhooks and forms come from the configuration, so that there are few of them.
        string[] doors = [.. configuration.GetSection("Webhooks").GetChildren().Concat(configuration.GetSection("Forms").GetChildren()).Select(c => c.Key.ToLowerInvariant())];
        services.AddHostedService(sp => new Start(sp, doors));
        services.AddSingleton<BacklogReader>();
        services.AddHostedService<Backlog>();
        services.AddHostedService<PipelineValue>();
        var telemetry = new Builder(services)
            .ConfigureResource(resource => resource.AddService("leadpipeline", serviceVersion: typeof(TelemetryRegistration).Assembly.GetName().Version?.ToString(3)))
            .WithMetrics(metrics => metrics
                .AddMeter(Meters)
                .AddReader(sp => new BaseExportingMetricReader(sp.GetRequiredService<PrometheusExporter>())));
        if (configuration[Endpoint] is not { Length: > 0 } endpoint)
            return;
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new Hosting.ConfigurationException($"{Endpoint}: '{endpoint}' is not an address; write http://host:4318");
        _ = telemetry
            .WithTracing(traces => traces
                .AddSource(LeadTraces.Name, CrmTraces.Name, "Npgsql", "Microsoft.AspNetCore", OriginsOnly.Source)
                // Before the exporter: processors are asked in the order in which they were added.
                .AddProcessor(new OriginsOnly()))
            .UseOtlpExporter(OtlpExportProtocol.HttpProtobuf, uri);
    }

    /// <summary>Maps <c>GET /metrics</c>; anyone may ask, there is nothing personal in it.</summary>
    public static void MapMetrics(this IEndpointRouteBuilder app) => app.MapGet("/metrics", async (PrometheusExporter exporter, HttpContext context) =>
        Results.Text(await exporter.ScrapeAsync(context.RequestAborted), "text/plain; version=0.0.4; charset=utf-8"))
        .Describe(new RouteDescription("metrics", "health", "Metrics for Prometheus.") { Answers = [new RouteAnswer(200, "All of them.", "Metrics", "text/plain")] });

    /// <summary>Stands where the builder of <c>OpenTelemetry.Extensions.Hosting</c> would.</summary>
    private sealed class Builder(IServiceCollection services) : IOpenTelemetryBuilder
    {
        public IServiceCollection Services => services;
    }

    /// <summary>The providers listen from the moment that they are made.</summary>
    private sealed class Start(IServiceProvider services, IReadOnlyList<string> doors) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            _ = services.GetService<MeterProvider>();
            _ = services.GetService<TracerProvider>();
            PipelineMeters.ShowAll(doors);
            GuardMeters.ShowAll();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
