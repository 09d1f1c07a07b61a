using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Hosting;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LeadPipeline.Worker.Planning;

/// <summary>What came of reading a policy.</summary>
/// <param name="Result">The policy; null when there are faults.</param>
/// <param name="Faults">Everything that is wrong, in the order of the file, each <c>file:line: message</c>.</param>
public sealed record PolicyReading(Policy? Result, IReadOnlyList<string> Faults)
{
    /// <summary>The policy.</summary>
    /// <exception cref="PolicyException">There are faults.</exception>
    public Policy Policy() => Result ?? throw new PolicyException(Faults);
}

/// <summary>Reads a policy file and holds it to the tool registry. All faults are told at once, each with its line.</summary>
public sealed class PolicyReader
{
    // A policy is written by hand; what is larger is something else.
    private const int MaxBytes = 256 * 1024;

    private static readonly string[] TopKeys = ["version", "name", "plans"];

    private readonly YamlFaults _faults;
    private readonly PolicyStepReader _steps;

    private PolicyReader(YamlFaults faults, ToolRegistry tools)
    {
        _faults = faults;
        _steps = new PolicyStepReader(faults, tools);
    }

    /// <summary>Reads the bytes of a policy file.</summary>
    public static PolicyReading Read(string file, byte[] bytes, ToolRegistry tools)
    {
        var faults = new YamlFaults(file);
        var policy = Parse(bytes, faults) is { } root ? new PolicyReader(faults, tools).ReadRoot(root, bytes) : null;
        return faults.All is { Count: > 0 } all ? new(null, all) : new(policy, []);
    }

    private static YamlMappingNode? Parse(byte[] bytes, YamlFaults faults)
    {
        if (bytes.Length > MaxBytes)
        {
            faults.Add(1, $"the file has {bytes.Length} bytes; a policy has at most {MaxBytes}");
            return null;
        }
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StreamReader(new MemoryStream(bytes), new System.Text.UTF8Encoding(false, throwOnInvalidBytes: true)));
            if (yaml.Documents is [{ RootNode: YamlMappingNode root }])
                return root;
            faults.Add(1, yaml.Documents.Count > 1 ? "the file holds several documents; a policy is one" : "the file holds no policy; write version, name and plans");
        }
        catch (YamlException e)
        {
            faults.Add(e.Start.Line, $"this is not YAML that can be read: {e.InnerException?.Message ?? e.Message}");
        }
        catch (System.Text.DecoderFallbackException)
        {
            faults.Add(1, "the file is not UTF-8");
        }
        return null;
    }

    private Policy ReadRoot(YamlMappingNode root, byte[] bytes)
    {
        _faults.RefuseUnknownKeys(root, TopKeys);
        var version = RequiredScalar(root, "version");
        var name = RequiredScalar(root, "name");
        var plans = new Dictionary<LeadDecision, IReadOnlyList<PolicyStep>>();
        if (root.Child("plans") is YamlMappingNode byDecision)
        {
            foreach (var (key, value) in byDecision.Children)
                ReadPlan(key, value, plans);
        }
        else
        {
            _faults.Add(root.Child("plans") ?? root, "'plans' is missing or not a mapping; write the steps of each decision under it");
        }
        return new Policy(new PolicyIdentity(name, CanonicalJson.Sha256Hex(bytes)), version, plans);
    }

    private void ReadPlan(YamlNode key, YamlNode value, Dictionary<LeadDecision, IReadOnlyList<PolicyStep>> plans)
    {
        var name = (key as YamlScalarNode)?.Value ?? "";
        // By name and not by TryParse, which would take "0" for a decision.
        if (!Enum.GetNames<LeadDecision>().Contains(name))
            _faults.Add(key, $"'{name}' is not a decision; use one of: {string.Join(", ", Enum.GetNames<LeadDecision>())}");
        else if (value is not YamlSequenceNode list)
            _faults.Add(value, $"the plan of {name} is not a list of steps");
        else
            plans[Enum.Parse<LeadDecision>(name)] = _steps.ReadPlan(list);
    }

    private string RequiredScalar(YamlMappingNode root, string key)
    {
        if (root.Child(key) is YamlScalarNode { Value: { Length: > 0 and <= 100 } value })
            return value;
        _faults.Add(root.Child(key) ?? root, $"'{key}' is missing, empty or longer than 100 characters; write for example {(key == "version" ? "version: 1" : "name: default")}");
        return "";
    }
}
