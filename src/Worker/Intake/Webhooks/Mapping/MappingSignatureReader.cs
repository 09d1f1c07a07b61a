using System.Text.RegularExpressions;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake.Webhooks.Signatures;
using YamlDotNet.RepresentationModel;

namespace LeadPipeline.Worker.Intake.Webhooks.Mapping;

/// <summary>Reads how a sender signs.</summary>
internal sealed partial class MappingSignatureReader(YamlFaults faults)
{
    private const string Hmac = "hmac-sha256", Shared = "shared-secret";

    private static readonly string[] HmacKeys = ["scheme", "header", "encoding", "prefix", "signed", "timestamp"];
    private static readonly string[] SharedKeys = ["scheme", "header"];
    private static readonly string[] TimestampKeys = ["header", "unit"];

    /// <summary>The scheme; null with faults.</summary>
    public ISignatureScheme? Read(YamlMappingNode root)
    {
        if (root.Child("signature") is not YamlMappingNode node)
        {
            faults.Add(root.Child("signature") ?? root, $"'signature' is missing or not a mapping; write for example  signature: {{ scheme: {Hmac}, header: X-Signature, encoding: hex }}");
            return null;
        }
        var scheme = Text(node, "scheme");
        if (scheme is not (Hmac or Shared))
        {
            faults.Add(node.Child("scheme") ?? node, $"'scheme' is missing or another; there are {Hmac} and {Shared}");
            return null;
        }
        faults.RefuseUnknownKeys(node, scheme == Hmac ? HmacKeys : SharedKeys);
        if (Header(node) is not { } header)
            return null;
        return scheme == Shared ? new SharedSecretHeader(header) : ReadHmac(node, header);
    }

    private HmacSignature? ReadHmac(YamlMappingNode node, string header)
    {
        var encoding = One(node, "encoding", ("hex", SignatureEncoding.Hex), ("base64", SignatureEncoding.Base64));
        var time = node.Child("timestamp") switch
        {
            null => null,
            YamlMappingNode timestamp => Time(timestamp),
            var other => Fault<SignedTime>(other, "'timestamp' is a mapping with header and unit"),
        };
        if (Signed(node) is not { } signed || encoding is null)
            return null;
        if (signed.HasTimestamp != (time is not null))
            return Fault<HmacSignature>(node, "a 'timestamp' has to be signed, and {timestamp} in 'signed' needs one; otherwise anybody could play a recorded post back");
        return new HmacSignature(header, encoding.Value, signed, Text(node, "prefix") ?? "", time);
    }

    private SignedText? Signed(YamlMappingNode node)
    {
        try
        {
            return SignedText.Parse(Text(node, "signed") ?? "{body}");
        }
        catch (FormatException exception)
        {
            return Fault<SignedText>(node.Child("signed") ?? node, exception.Message);
        }
    }

    private SignedTime? Time(YamlMappingNode node)
    {
        faults.RefuseUnknownKeys(node, TimestampKeys);
        var unit = node.Child("unit") is null ? TimeUnit.Seconds : One(node, "unit", ("seconds", TimeUnit.Seconds), ("milliseconds", TimeUnit.Milliseconds));
        return Header(node) is { } header && unit is { } known ? new SignedTime(header, known) : null;
    }

    private string? Header(YamlMappingNode node) => Text(node, "header") is { } header && HeaderName().IsMatch(header)
        ? header
        : Fault<string>(node.Child("header") ?? node, "'header' is missing or no name of a header");

    private T? One<T>(YamlMappingNode node, string key, params ReadOnlySpan<(string Name, T Value)> known)
        where T : struct
    {
        foreach (var (name, value) in known)
        {
            if (Text(node, key) == name)
                return value;
        }
        faults.Add(node.Child(key) ?? node, $"'{key}' is missing or another; there are {string.Join(" and ", known.ToArray().Select(k => k.Name))}");
        return null;
    }

    private T? Fault<T>(YamlNode node, string message)
        where T : class
    {
        faults.Add(node, message);
        return null;
    }

    private static string? Text(YamlMappingNode node, string key) => (node.Child(key) as YamlScalarNode)?.Value;

    [GeneratedRegex(@"\A[A-Za-z0-9-]{1,100}\z", RegexOptions.CultureInvariant)]
    private static partial Regex HeaderName();
}
