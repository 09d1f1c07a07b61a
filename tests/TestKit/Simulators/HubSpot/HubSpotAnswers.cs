using System.Globalization;
using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit.Simulators.HubSpot;

/// <summary>Answers in HubSpot's words.</summary>
internal static class HubSpotAnswers
{
    public static JsonObject Shown(HubSpotRow row, IEnumerable<string> asked)
    {
        var properties = new JsonObject { ["hs_object_id"] = row.Id, ["createdate"] = Iso(row.CreatedAt), ["lastmodifieddate"] = Iso(row.UpdatedAt) };
        foreach (var name in asked)
            properties[name] = row.Properties.GetValueOrDefault(name);
        return new JsonObject { ["id"] = row.Id, ["properties"] = properties, ["createdAt"] = Iso(row.CreatedAt), ["updatedAt"] = Iso(row.UpdatedAt), ["archived"] = false };
    }

    public static JsonObject Traced(JsonObject shown, JsonObject input)
    {
        if ((string?)input["objectWriteTraceId"] is { } trace)
            shown["objectWriteTraceId"] = trace;
        return shown;
    }

    public static SimulatedAnswer Batch(int status, List<JsonNode> results, List<JsonNode> errors)
    {
        var body = new JsonObject { ["status"] = "COMPLETE", ["results"] = new JsonArray([.. results]), ["startedAt"] = "2026-03-03T10:00:00Z", ["completedAt"] = "2026-03-03T10:00:00Z" };
        if (errors.Count > 0)
        {
            body["numErrors"] = errors.Count;
            body["errors"] = new JsonArray([.. errors]);
        }
        return SimulatedAnswer.Json(status, body);
    }

    public static JsonObject StandardError(HubSpotProblem problem, string contextName, params string[] context) => new()
    {
        ["status"] = "error",
        ["category"] = problem.Category,
        ["message"] = problem.Message,
        ["context"] = new JsonObject { [contextName] = new JsonArray([.. context.Select(c => (JsonNode)c)]) },
        ["links"] = new JsonObject(),
        ["errors"] = Details(problem),
    };

    public static SimulatedAnswer Problem(HubSpotProblem problem) => SimulatedAnswer.Json(problem.Status, new JsonObject
    {
        ["status"] = "error",
        ["message"] = problem.Message,
        ["correlationId"] = Correlation(),
        ["category"] = problem.Category,
        ["errors"] = Details(problem),
    });

    private static JsonArray Details(HubSpotProblem problem)
    {
        if (problem.Code is null)
            return [];
        var detail = new JsonObject { ["message"] = problem.Message, ["code"] = problem.Code };
        if (problem.Property is not null)
            detail["context"] = new JsonObject { ["propertyName"] = new JsonArray(problem.Property) };
        return [detail];
    }

    private static string Iso(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string Correlation() => "2dea5219-07f2-40ce-82ec-9c2e302317a4";
}
