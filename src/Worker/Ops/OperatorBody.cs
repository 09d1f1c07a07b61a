using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Ops;

/// <summary>Reads the small bodies of operators' orders.</summary>
internal static class OperatorBody
{
    /// <summary>The body as an object; empty when there is none; null when it is something else.</summary>
    public static async Task<JsonObject?> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        if (body.Length == 0)
            return [];
        // What is not strict throws later and elsewhere: a member that is there twice when it is looked for, half a character when it is written down.
        return StrictJson.Parse(body.ToArray()).Body is { ValueKind: JsonValueKind.Object } members ? JsonObject.Create(members) : null;
    }

    /// <summary>A member that is a text; null when it is not there or is something else.</summary>
    public static string? Text(JsonObject? body, string member) => body?[member] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>The member <c>reason</c>: 1 to 1000 characters; null when it is not there or is something else.</summary>
    public static async Task<string?> ReasonAsync(HttpContext context) => await ReadAsync(context) is { } body ? Reason(body) : null;

    /// <summary>The same of a body that was read.</summary>
    public static string? Reason(JsonObject body) =>
        Text(body, "reason")?.Trim() is { Length: > 0 and <= 1000 } text ? text : null;

    /// <summary>The answer when the reason is missing.</summary>
    public static IResult NoReason() => Invalid("reason", "is missing", "say why in 1 to 1000 characters: {\"reason\": \"…\"}");

    /// <summary>The answer to a bad member.</summary>
    public static IResult Invalid(string field, string problem, string remedy) => Problems.Of(400, "invalid", "The request is not valid.", new FieldError(field, problem, remedy));

    /// <summary>Who the caller is.</summary>
    public static string Actor(HttpContext context) => context.User.Identity?.Name ?? throw new InvalidOperationException("Somebody without a name came past the authorization.");
}
