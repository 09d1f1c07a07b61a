using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
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
        app.MapGet("/health/live", () => Results.Json(new JsonObject { ["status"] = "Healthy" }));
        foreach (var path in (string[])["/health/ready", "/ready", "/health"])
            app.MapGet(path, ReadyAsync);
        app.MapGet("/health/crm", CrmAsync);
    }

    private static async Task<IResult> CrmAsync(HttpContext context, ICrm crm)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(Patience);
        var state = "Healthy";
        try
        {
            _ = await crm.ReadAsync(new CrmQuery { Email = "health@leadpipeline.invalid" }, limit.Token).WaitAsync(limit.Token);
        }
#pragma warning disable CA1031 // Whatever it is, the CRM cannot be used now.
        catch (Exception)
#pragma warning restore CA1031
        {
            state = "Unhealthy";
        }
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
            checks["broker"] = bus.IsConsuming ? "Healthy" : "Unhealthy";
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
