namespace LeadPipeline.Worker.Http.OpenApi;

/// <summary>What <c>/openapi/v1.json</c> says about a route beyond what the route itself shows (path, method, who may call, limits).</summary>
/// <param name="Id">Name of the operation, unique, in camel case: <c>listLeads</c>.</param>
/// <param name="Tag">The group it is shown in.</param>
/// <param name="Summary">What it does, in one line.</param>
public sealed record RouteDescription(string Id, string Tag, string Summary)
{
    /// <summary>More about it, if there is more to know. Markdown.</summary>
    public string? Details { get; init; }

    /// <summary>Parameters. One in the path that is not listed is described by its constraint.</summary>
    public IReadOnlyList<RouteInput> Inputs { get; init; } = [];

    /// <summary>The bodies that it takes, the usual one first.</summary>
    public IReadOnlyList<RouteBody> Bodies { get; init; } = [];

    /// <summary>Its own answers; those of authentication and limits are added.</summary>
    public required IReadOnlyList<RouteAnswer> Answers { get; init; }
}

/// <summary>Where a parameter is.</summary>
public enum InputPlace
{
    /// <summary>After the question mark.</summary>
    Query,
    /// <summary>In the path.</summary>
    Path,
    /// <summary>In a header.</summary>
    Header,
}

/// <summary>A parameter.</summary>
/// <param name="Place">Where it is.</param>
/// <param name="Name">Its name.</param>
/// <param name="Schema">Name of a schema in a <c>*.openapi.json</c> file.</param>
/// <param name="Summary">What it does.</param>
public sealed record RouteInput(InputPlace Place, string Name, string Schema, string Summary);

/// <summary>A body that is taken.</summary>
/// <param name="ContentType">Its media type.</param>
/// <param name="Schema">Name of a schema in a <c>*.openapi.json</c> file.</param>
public sealed record RouteBody(string ContentType, string Schema);

/// <summary>An answer.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Summary">When it is given.</param>
/// <param name="Schema">Name of a schema in a <c>*.openapi.json</c> file; null when there is no body.</param>
/// <param name="ContentType">Its media type; <c>Problem</c> is always <c>application/problem+json</c>.</param>
public sealed record RouteAnswer(int Status, string Summary, string? Schema, string ContentType = "application/json")
{
    /// <summary>A refusal in the usual form.</summary>
    public static RouteAnswer Problem(int status, string summary) => new(status, summary, OpenApiDocument.ProblemSchema, OpenApiDocument.ProblemType);
}

/// <summary>Puts descriptions on routes.</summary>
public static class RouteDescriptions
{
    /// <summary>Describes a route; every mapped route needs one.</summary>
    public static TBuilder Describe<TBuilder>(this TBuilder route, RouteDescription description) where TBuilder : IEndpointConventionBuilder => route.WithMetadata(description);
}
