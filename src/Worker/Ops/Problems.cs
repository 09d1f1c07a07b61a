using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Ops;

/// <summary>Refusals in one form: <c>application/problem+json</c> with one entry per bad field.</summary>
public static class Problems
{
    /// <summary>A refusal.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="code">A stable code.</param>
    /// <param name="detail">What is wrong and what to do, without repeating any value.</param>
    /// <param name="errors">The bad fields.</param>
    public static IResult Of(int status, string code, string detail, params FieldError[] errors)
    {
        var body = new JsonObject { ["type"] = "about:blank", ["title"] = code, ["status"] = status, ["detail"] = detail };
        if (errors.Length > 0)
            body["errors"] = Errors(errors);
        return Results.Json(body, statusCode: status, contentType: "application/problem+json");
    }

    /// <summary>Bad fields as JSON.</summary>
    public static JsonArray Errors(IEnumerable<FieldError> errors) =>
        [.. errors.Select(e => (JsonNode)new JsonObject { ["field"] = e.Field, ["problem"] = e.Problem, ["remedy"] = e.Remedy })];
}
