using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Guards;

namespace LeadPipeline.Worker.Ops;

/// <summary>What only administrators may look at.</summary>
public static class AdminEndpoints
{
    /// <summary>Maps them; all need the role <c>admin</c>.</summary>
    public static void MapAdministration(this IEndpointRouteBuilder app) =>
        app.MapGroup("/admin").RequireAuthorization(Access.Administrator)
            .MapGet("/circuit-health", (GuardedCrm crm) => Results.Json(new JsonObject(crm.Circuits.Select(c => KeyValuePair.Create(c.Name, (JsonNode?)Circuit(c))))));

    private static JsonObject Circuit(Circuit circuit) => new()
    {
        ["state"] = circuit.Level switch { 0 => "CLOSED", 1 => "HALF_OPEN", _ => "OPEN" },
        ["stats"] = new JsonObject
        {
            ["requests"] = circuit.Requests,
            ["successes"] = circuit.Successes,
            ["rejections"] = circuit.Rejections,
            ["timeouts"] = circuit.Timeouts,
            ["failures"] = new JsonObject(Enum.GetValues<CrmFault>().Where(f => circuit.Failures(f) > 0).Select(f => KeyValuePair.Create(f.Label(), (JsonNode?)circuit.Failures(f)))),
        },
    };
}
