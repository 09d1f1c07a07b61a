using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Tests.Http.OpenApi;

/// <summary>What an OpenAPI document promises of answers.</summary>
internal sealed class DescribedAnswers(JsonNode document)
{
    private readonly SchemaCheck check = new(document);

    /// <summary>How an answer differs from what the document says; nothing when it is as described.</summary>
    /// <param name="route">As <c>GET /leads/{id}</c>.</param>
    /// <param name="answer">What came.</param>
    public IReadOnlyList<string> Faults(string route, Answer answer)
    {
        if (route.Split(' ') is not [var method, var path] || document["paths"]![path]?[method.ToLowerInvariant()] is not { } operation)
            return [$"{route} is not described"];
        var responses = operation["responses"]!.AsObject();
        if (responses[answer.Status.ToString()] is not { } described)
            return [$"{route} does not say that it may answer {answer.Status}"];
        if (described["content"] is not { } content)
            return answer.Body.Length == 0 ? [] : [$"{route} {answer.Status} has a body that is not described"];
        if (answer.ContentType is null || content[answer.ContentType] is not { } media)
            return [$"{route} {answer.Status} is not described as {answer.ContentType}"];
        var body = answer.ContentType.StartsWith("text/", StringComparison.Ordinal) ? JsonValue.Create(answer.Body) : JsonNode.Parse(answer.Body);
        return [.. check.Faults(body, media["schema"]!).Select(f => $"{route} {answer.Status}: {f}"), .. MissingHeaders(route, described, answer)];
    }

    private static IEnumerable<string> MissingHeaders(string route, JsonNode described, Answer answer) =>
        (described["headers"]?.AsObject() ?? [])
            .Select(h => h.Key)
            // On loopback nothing is limited, and the document says so.
            .Where(h => !h.StartsWith("X-RateLimit", StringComparison.Ordinal) && !answer.Headers.ContainsKey(h))
            .Select(h => $"{route} {answer.Status} has no header {h}");
}
