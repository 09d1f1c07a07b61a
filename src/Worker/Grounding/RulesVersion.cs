using System.Security.Cryptography;

namespace LeadPipeline.Worker.Grounding;

/// <summary>Names the rules and the data that they read. A verdict can be made again only under the same version.</summary>
public static class RulesVersion
{
    // Count up when the meaning of a rule changes; changes of the data files show in the hash.
    private const string Rules = "grounding/1";

    /// <summary>For example <c>grounding/1+3f9a1c0b77de</c>.</summary>
    public static string Current { get; } = $"{Rules}+{DataHash()}";

    private static string DataHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in (ReadOnlySpan<string>)["countries.txt", "instructions.txt", "synonyms.txt"])
            hash.AppendData(EmbeddedData.Bytes(file));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }
}
