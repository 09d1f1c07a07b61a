using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Http.OpenApi;

/// <summary><c>GET /openapi/v1.json</c>: what is offered over HTTP, for tools and people.</summary>
public static class OpenApiEndpoint
{
    /// <summary>Maps it; anyone may read it.</summary>
    public static void MapOpenApi(this WebApplication app)
    {
        // Written when first asked for: only then is everything mapped.
        var document = new Lazy<JsonObject>(() => OpenApiDocument.Write(
            app.Services.GetRequiredService<EndpointDataSource>().Endpoints, OpenApiSchemas.Read(), typeof(OpenApiEndpoint).Assembly.GetName().Version!.ToString(3)));
        app.MapGet("/openapi/v1.json", () => Results.Json(document.Value)).Describe(new RouteDescription("describe", "service", "This document.")
        {
            Answers = [new RouteAnswer(200, "OpenAPI 3.1.", "OpenApi")],
        });
    }
}
