using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing.Patterns;

namespace LeadPipeline.Worker.Http.OpenApi;

/// <summary>Writes the OpenAPI 3.1 document from the routes that are mapped and the schemas that stand beside them. Pure.</summary>
public static class OpenApiDocument
{
    /// <summary>The schema of refusals.</summary>
    public const string ProblemSchema = "Problem";

    /// <summary>The media type of refusals.</summary>
    public const string ProblemType = "application/problem+json";

    private const string Scheme = "bearer";

    /// <summary>The document.</summary>
    /// <param name="endpoints">What is mapped; routes without a <see cref="RouteDescription"/> are left out.</param>
    /// <param name="schemas">By name; they refer to each other as <c>#/components/schemas/NAME</c>.</param>
    /// <param name="version">Of the program.</param>
    public static JsonObject Write(IEnumerable<Endpoint> endpoints, JsonObject schemas, string version)
    {
        var paths = new SortedDictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var endpoint in endpoints.OfType<RouteEndpoint>())
        {
            if (endpoint.Metadata.GetMetadata<RouteDescription>() is not { } description)
                continue;
            var path = Path(endpoint.RoutePattern);
            if (!paths.TryGetValue(path, out var item))
                paths[path] = item = [];
            foreach (var method in Methods(endpoint))
                item[method.ToLowerInvariant()] = Operation(endpoint, description);
        }
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = "LeadPipeline",
                ["version"] = version,
                ["description"] = "Takes sales leads, holds their analysis against evidence, and carries out a plan in a CRM. Members may be added to answers; ignore those you do not know.",
                ["license"] = new JsonObject { ["name"] = "Apache 2.0", ["identifier"] = "Apache-2.0" },
            },
            ["paths"] = new JsonObject(paths.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
            ["components"] = new JsonObject
            {
                ["schemas"] = schemas.DeepClone(),
                ["headers"] = Headers(),
                ["securitySchemes"] = new JsonObject
                {
                    [Scheme] = new JsonObject
                    {
                        ["type"] = "http",
                        ["scheme"] = "bearer",
                        ["description"] = "A static token or a JWT of the configured issuer. Each route names the role or scope that it asks for; the role `admin` stands for all roles.",
                    },
                },
            },
        };
    }

    /// <summary>A route as the document names it: without constraints.</summary>
    public static string Path(RoutePattern pattern) =>
        "/" + string.Join('/', pattern.PathSegments.Select(s => string.Concat(s.Parts.Select(p => p is RoutePatternParameterPart parameter ? $"{{{parameter.Name}}}" : ((RoutePatternLiteralPart)p).Content))));

    /// <summary>The methods of a route.</summary>
    public static IReadOnlyList<string> Methods(Endpoint endpoint) => endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [];

    private static JsonObject Operation(RouteEndpoint endpoint, RouteDescription description)
    {
        var operation = new JsonObject { ["operationId"] = description.Id, ["tags"] = new JsonArray(description.Tag), ["summary"] = description.Summary };
        if (description.Details is not null)
            operation["description"] = description.Details;
        if (Inputs(endpoint.RoutePattern, description) is { Count: > 0 } inputs)
            operation["parameters"] = inputs;
        if (description.Bodies.Count > 0)
            operation["requestBody"] = new JsonObject { ["required"] = true, ["content"] = new JsonObject(description.Bodies.Select(b => KeyValuePair.Create(b.ContentType, (JsonNode?)Media(b.Schema)))) };
        operation["responses"] = Answers(endpoint, description);
        operation["security"] = Security(endpoint);
        return operation;
    }

    private static JsonArray Inputs(RoutePattern pattern, RouteDescription description)
    {
        var inPath = pattern.Parameters.Select(p => description.Inputs.FirstOrDefault(i => i.Place == InputPlace.Path && i.Name == p.Name)
            ?? (p.ParameterPolicies.Any(c => c.Content == "guid") ? new RouteInput(InputPlace.Path, p.Name, "Id", "Its id.") : new RouteInput(InputPlace.Path, p.Name, "Text", "Its name.")));
        return [.. inPath.Concat(description.Inputs.Where(i => i.Place != InputPlace.Path)).Select(i => (JsonNode)new JsonObject
        {
            ["name"] = i.Name,
            ["in"] = i.Place.ToString().ToLowerInvariant(),
            ["required"] = i.Place == InputPlace.Path,
            ["description"] = i.Summary,
            ["schema"] = Ref(i.Schema),
        })];
    }

    private static JsonObject Answers(Endpoint endpoint, RouteDescription description)
    {
        var answers = new List<RouteAnswer>(description.Answers);
        if (Policies(endpoint).Any())
            answers.AddRange([RouteAnswer.Problem(401, "No token, or one that does not hold."), RouteAnswer.Problem(403, "The token's roles and scopes do not allow this.")]);
        var limited = endpoint.Metadata.GetMetadata<LimitedDoor>() is not null;
        if (limited)
            answers.Add(RouteAnswer.Problem(429, "Too many posts in this minute."));
        var node = new JsonObject();
        foreach (var same in answers.GroupBy(a => a.Status).OrderBy(g => g.Key))
        {
            var entry = new JsonObject { ["description"] = string.Join(" ", same.Select(a => a.Summary)) };
            if (Headers(same.Key, limited, Policies(endpoint).Any()) is { Count: > 0 } headers)
                entry["headers"] = headers;
            if (same.Where(a => a.Schema is not null).ToList() is { Count: > 0 } bodies)
                entry["content"] = new JsonObject(bodies.Select(a => KeyValuePair.Create(a.ContentType, (JsonNode?)Media(a.Schema!))));
            node[same.Key.ToString(CultureInfo.InvariantCulture)] = entry;
        }
        node["default"] = new JsonObject { ["description"] = "Refused or failed, in the same form whatever the reason.", ["content"] = new JsonObject { [ProblemType] = Media(ProblemSchema) } };
        return node;
    }

    private static JsonArray Security(Endpoint endpoint)
    {
        var policies = Policies(endpoint).ToList();
        if (policies.Count == 0)
            return [];
        var bearer = new JsonObject { [Scheme] = new JsonArray([.. policies.Select(p => (JsonNode)p)]) };
        // An empty requirement beside it says that a caller may come without: here, from the same machine.
        return policies.Contains(Access.Poster) ? [new JsonObject(), bearer] : [bearer];
    }

    /// <summary>Names of policies are the roles and scopes that they ask for.</summary>
    private static IEnumerable<string> Policies(Endpoint endpoint) =>
        endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null ? endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(a => a.Policy).OfType<string>().Distinct() : [];

    private static JsonObject Headers(int status, bool limited, bool asksForTokens)
    {
        var names = new List<string>();
        if (limited)
            names.AddRange(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]);
        if (status is 429 or 503)
            names.Add("Retry-After");
        if (asksForTokens && status is (401 or 403))
            names.Add("WWW-Authenticate");
        return new JsonObject(names.Select(n => KeyValuePair.Create(n, (JsonNode?)new JsonObject { ["$ref"] = $"#/components/headers/{n}" })));
    }

    private static JsonObject Headers() => new()
    {
        ["X-RateLimit-Limit"] = Header("integer", "Posts that this token or address may make in a minute. Not sent on loopback, or when there is no limit."),
        ["X-RateLimit-Remaining"] = Header("integer", "Posts that are left in this minute."),
        ["X-RateLimit-Reset"] = Header("integer", "When the next minute begins, in seconds since 1970."),
        ["Retry-After"] = Header("integer", "Seconds to wait before trying again."),
        ["WWW-Authenticate"] = Header("string", "`Bearer`, with `error` when the token does not hold or is not enough."),
    };

    private static JsonObject Header(string type, string summary) => new() { ["description"] = summary, ["schema"] = new JsonObject { ["type"] = type } };

    private static JsonObject Media(string schema) => new() { ["schema"] = Ref(schema) };

    private static JsonObject Ref(string schema) => new() { ["$ref"] = $"#/components/schemas/{schema}" };
}
