using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Http.OpenApi;

/// <summary>The schemas of bodies, from the <c>*.openapi.json</c> files that stand beside the endpoints.</summary>
public static class OpenApiSchemas
{
    private const string Suffix = ".openapi.json";

    /// <summary>All of them, by name.</summary>
    /// <exception cref="InvalidOperationException">Two files hold one name.</exception>
    public static JsonObject Read()
    {
        var assembly = typeof(OpenApiSchemas).Assembly;
        var all = new JsonObject();
        foreach (var resource in assembly.GetManifestResourceNames().Where(n => n.EndsWith(Suffix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var stream = assembly.GetManifestResourceStream(resource)!;
            foreach (var (name, schema) in JsonNode.Parse(stream)!.AsObject())
            {
                if (!all.TryAdd(name, schema?.DeepClone()))
                    throw new InvalidOperationException($"{resource} holds {name}, and so does another file; give one of them another name.");
            }
        }
        return all;
    }
}
