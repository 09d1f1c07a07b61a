using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Worker.Planning;

/// <summary>Finds the policy in force.</summary>
public static class PolicyLoader
{
    private const string BuiltInName = "DefaultPolicy.yaml";

    /// <summary>The configured file, else <c>policies/{environment}.yaml</c> when it is there, else the built-in policy.</summary>
    /// <exception cref="PolicyException">It cannot be read or has faults; the worker must not start.</exception>
    public static Policy Load(PolicyOptions options, string environment, string contentRoot, ToolRegistry tools)
    {
        if (!string.IsNullOrWhiteSpace(options.File))
            return LoadFile(Path.Combine(contentRoot, options.File), tools);
        var byEnvironment = Path.Combine(contentRoot, "policies", environment + ".yaml");
        return File.Exists(byEnvironment) ? LoadFile(byEnvironment, tools) : BuiltIn(tools);
    }

    /// <summary>The policy in a file.</summary>
    /// <exception cref="PolicyException">It cannot be read or has faults.</exception>
    public static Policy LoadFile(string path, ToolRegistry tools)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PolicyException([$"{path}:1: the policy cannot be read: {e.Message}"]);
        }
        return PolicyReader.Read(path, bytes, tools).Policy();
    }

    /// <summary>The policy that comes with the program.</summary>
    public static Policy BuiltIn(ToolRegistry tools) => PolicyReader.Read(BuiltInName, BuiltInBytes(), tools).Policy();

    /// <summary>The bytes of the built-in policy, for people who want to start from it.</summary>
    public static byte[] BuiltInBytes()
    {
        using var stream = typeof(PolicyLoader).Assembly.GetManifestResourceStream(BuiltInName)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
