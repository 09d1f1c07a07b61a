using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Contracts;

/// <summary>
/// Ids that follow from what they identify (UUID version 5, RFC 9562): equal posts get equal lead ids, and a message that is
/// sent again keeps its id, without asking the database.
/// </summary>
public static class DeterministicId
{
    /// <summary>Name space of lead ids.</summary>
    public static readonly Guid Leads = new("4b1f3d0e-8a62-4c57-9d0b-2f6f0c1e7a11");

    /// <summary>UUIDv5 of a name within a name space.</summary>
    public static Guid Create(Guid space, string name)
    {
        var text = Encoding.UTF8.GetByteCount(name);
        Span<byte> input = text <= 512 ? stackalloc byte[16 + text] : new byte[16 + text];
        space.TryWriteBytes(input, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(name, input[16..]);
        Span<byte> hash = stackalloc byte[20];
#pragma warning disable CA5350 // SHA-1 is what RFC 9562 prescribes for version 5; nothing here is a secret.
        SHA1.HashData(input, hash);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }

    /// <summary>Id of a lead's run, from 1.</summary>
    public static Guid Run(Guid leadId, int run) => Create(leadId, Invariant("run", run));

    /// <summary>Id of one execution epoch of a run.</summary>
    public static Guid Execution(Guid leadId, int run, int epoch) => Create(leadId, Invariant("execution", run, epoch));

    /// <summary>Id of an audit event.</summary>
    public static Guid AuditEvent(Guid leadId, int seq) => Create(leadId, Invariant("audit", seq));

    /// <summary>Id of a stage command's message.</summary>
    public static Guid Message(Guid leadId, string stage, int run, int attempt) => Create(leadId, stage + Invariant("", run, attempt));

    private static string Invariant(string kind, params ReadOnlySpan<int> parts)
    {
        // There are dozens of ids to a lead, so a name is made in one go: its kind, and a slash and at most eleven characters for each number.
        Span<char> text = stackalloc char[kind.Length + 12 * parts.Length];
        kind.CopyTo(text);
        var length = kind.Length;
        foreach (var part in parts)
        {
            text[length++] = '/';
            part.TryFormat(text[length..], out var digits, provider: CultureInfo.InvariantCulture);
            length += digits;
        }
        return text[..length].ToString();
    }
}
