using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Worker.Intake.Webhooks.Signatures;

/// <summary>What a sender signs, as a template: text with <c>{timestamp}</c>, <c>{method}</c>, <c>{url}</c> and <c>{body}</c> in it.</summary>
public sealed class SignedText
{
    private static readonly string[] Names = ["timestamp", "method", "url", "body"];

    private readonly List<(bool IsName, string Text)> parts = [];

    private SignedText() { }

    /// <summary>The body and nothing else.</summary>
    public static SignedText Body { get; } = Parse("{body}");

    /// <summary>Whether the template names the time.</summary>
    public bool HasTimestamp => parts.Contains((true, "timestamp"));

    /// <summary>Reads a template.</summary>
    /// <exception cref="FormatException">It has another name in braces, or leaves out the body.</exception>
    public static SignedText Parse(string template)
    {
        var text = new SignedText();
        for (var at = 0; at < template.Length;)
        {
            var open = template.IndexOf('{', at);
            if (open < 0)
                open = template.Length;
            if (open > at)
                text.parts.Add((false, template[at..open]));
            if (open == template.Length)
                break;
            var close = template.IndexOf('}', open);
            var name = close < 0 ? template[(open + 1)..] : template[(open + 1)..close];
            if (close < 0 || !Names.Contains(name))
                throw new FormatException($"'{{{name}' is no part of a post; there are {string.Join(", ", Names.Select(n => $"{{{n}}}"))}");
            text.parts.Add((true, name));
            at = close + 1;
        }
        if (!text.parts.Contains((true, "body")))
            throw new FormatException("what is signed has to hold {body}, or anyone could change it");
        return text;
    }

    /// <summary>The signature of a post by a key.</summary>
    public byte[] Sign(WebhookRequest request, string? timestamp, byte[] key)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        foreach (var (isName, text) in parts)
        {
            if (isName && text == "body")
                hash.AppendData(request.Body.Span);
            else
                hash.AppendData(Encoding.UTF8.GetBytes(isName ? Value(text, request, timestamp) : text));
        }
        return hash.GetHashAndReset();
    }

    private static string Value(string name, WebhookRequest request, string? timestamp) => name switch
    {
        "timestamp" => timestamp ?? "",
        "method" => request.Method,
        _ => request.Url,
    };
}
