using System.Text.Json.Nodes;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Messaging.RabbitMq;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Ops;

/// <summary>Whether the process lives, and whether it can take and work on leads.</summary>
public static class HealthEndpoints
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Maps them; anyone may ask, reasons stay inside.</summary>
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health/live", () => Results.Json(new JsonObject { ["status"] = "Healthy" })).Describe(new RouteDescription("live", "health", "Whether the process answers.")
        {
            Answers = [new RouteAnswer(200, "It does.", "Health")],
        });
        foreach (var (path, id) in ((string, string)[])[("/health/ready", "ready"), ("/ready", "readyShort"), ("/health", "health")])
            app.MapGet(path, ReadyAsync).Describe(Description(id, "Whether leads can be taken and worked on."));
        app.MapGet("/health/crm", CrmAsync).Describe(Description("crmHealth", "Whether the CRM answers, as of at most ten seconds ago."));
    }

    private static RouteDescription Description(string id, string summary) => new(id, "health", summary)
    {
        Answers = [new RouteAnswer(200, "Yes.", "Health"), new RouteAnswer(503, "No.", "Health")],
    };

    private static async Task<IResult> CrmAsync(HttpContext context, CrmHealth crm)
    {
        var state = await crm.IsHealthyAsync(context.RequestAborted) ? "Healthy" : "Unhealthy";
        return Results.Json(new JsonObject { ["status"] = state, ["checks"] = new JsonObject { [crm.Provider] = state } }, statusCode: state == "Healthy" ? 200 : 503);
    }

    private static async Task<IResult> ReadyAsync(HttpContext context, SqlDatabase database, IHostApplicationLifetime lifetime)
    {
        var checks = new JsonObject
        {
            ["database"] = await DatabaseAsync(database, context.RequestAborted),
            ["draining"] = lifetime.ApplicationStopping.IsCancellationRequested ? "Unhealthy" : "Healthy",
        };
        if (context.RequestServices.GetService<ConsumingBus>() is { } bus)
            checks["broker"] = bus.IsReady ? "Healthy" : "Unhealthy";
        var ready = checks.All(c => c.Value!.GetValue<string>() == "Healthy");
        return Results.Json(new JsonObject { ["status"] = ready ? "Healthy" : "Unhealthy", ["checks"] = checks }, statusCode: ready ? 200 : 503);
    }

    private static async Task<string> DatabaseAsync(SqlDatabase database, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            await using var session = await database.OpenReaderAsync(limit.Token);
            _ = await session.QueryAsync("SELECT COUNT(*) FROM meta", r => r.GetValue(0), limit.Token);
            return "Healthy";
        }
#pragma warning disable CA1031 // Whatever it is, the database cannot be used now.
        catch (Exception)
#pragma warning restore CA1031
        {
            return "Unhealthy";
        }
    }
}
