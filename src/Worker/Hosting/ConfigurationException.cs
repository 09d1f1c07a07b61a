namespace LeadPipeline.Worker.Hosting;

/// <summary>A value that the program cannot start with. Ends it with exit code 78.</summary>
public sealed class ConfigurationException(IReadOnlyList<string> faults) : Exception(string.Join(Environment.NewLine, faults))
{
    /// <summary>Exit code of a bad configuration (EX_CONFIG).</summary>
    public const int ExitCode = 78;

    /// <summary>One fault.</summary>
    public ConfigurationException(string fault) : this([fault]) { }

    /// <summary>Each names the key, the value (never a secret) and what is allowed.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}
