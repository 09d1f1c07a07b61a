using System.Security.Cryptography;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>The few files beside the pages: one style sheet, a few lines of script, an icon. Compiled in.</summary>
internal static class ConsoleAssets
{
    private static readonly Dictionary<string, (string Type, byte[] Bytes, string Version)> Files = new(StringComparer.Ordinal)
    {
        ["console.css"] = Load("console.css", "text/css; charset=utf-8"),
        ["console.js"] = Load("console.js", "text/javascript; charset=utf-8"),
        ["icon.svg"] = Load("icon.svg", "image/svg+xml"),
    };

    /// <summary>Where a file is; another address for other content, so that browsers may keep it for good.</summary>
    public static string Address(string name) => $"{Session.ConsoleVisits.Root}/assets/{name}?v={Files[name].Version}";

    /// <summary>A file that is text.</summary>
    public static string Text(string name) => System.Text.Encoding.UTF8.GetString(Files[name].Bytes);

    public static IResult Serve(string name, HttpContext context)
    {
        if (!Files.TryGetValue(name, out var file))
            return Ops.Problems.Of(404, "not-found", "There is no such file.");
        context.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        return Results.Bytes(file.Bytes, file.Type);
    }

    private static (string, byte[], string) Load(string name, string type)
    {
        using var stream = typeof(ConsoleAssets).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not compiled in.");
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return (type, memory.ToArray(), Convert.ToHexStringLower(SHA256.HashData(memory.ToArray()).AsSpan(0, 6)));
    }
}
