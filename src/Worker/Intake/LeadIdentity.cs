using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Intake;

/// <summary>What a lead is recognised by.</summary>
public enum LeadKeyKind
{
    /// <summary>The sender named the lead's id.</summary>
    LeadId,
    /// <summary><c>Idempotency-Key</c>, <c>webhook-id</c> or <c>message-id</c>, within its door.</summary>
    Idempotency,
    /// <summary>The sender's own id within its source.</summary>
    External,
    /// <summary>E-mail and campaign; the same lead only within the dedupe window.</summary>
    EmailCampaign,
}

/// <summary>
/// One key. Nothing of the value that it was made from can be read in it; but the hash has no secret, since every door must
/// come to the same one, so whoever guesses the e-mail can confirm the guess: store it, do not publish it.
/// </summary>
/// <param name="Kind">What it was made from.</param>
/// <param name="Value">64 hex digits of SHA-256; differs between kinds.</param>
public sealed record LeadKey(LeadKeyKind Kind, string Value);

/// <summary>A lead's id and the keys by which a copy of it is found.</summary>
/// <param name="LeadId">Follows from the first key, so equal posts get equal ids without asking the database.</param>
/// <param name="Stable">
/// Keys that never expire, most telling first; a lead that has any of them is a copy of the lead that had it first.
/// Empty when the sender gave none.
/// </param>
/// <param name="EmailCampaign">
/// E-mail and campaign without a time bucket. Two equal posts on either side of a bucket's border have different ids; intake
/// finds the second by this key among the leads of the last window, and makes it an alias.
/// </param>
public sealed record LeadKeys(Guid LeadId, IReadOnlyList<LeadKey> Stable, LeadKey EmailCampaign)
{
    /// <summary>Whether the e-mail and campaign decide: only when the sender gave no key of its own.</summary>
    public bool ByEmail => Stable.Count == 0;
}

/// <summary>Derives a lead's keys and id.</summary>
public static class LeadIdentity
{
    /// <summary>The keys of a normalised lead.</summary>
    /// <param name="lead">The lead; its own <see cref="Lead.LeadId"/> is not looked at.</param>
    /// <param name="namedId">The id that the sender named, if any.</param>
    /// <param name="idempotencyKey">The sender's key, if any; kept apart by <paramref name="door"/>, so that one sender cannot shadow another's.</param>
    /// <param name="door">The door that it came through.</param>
    /// <param name="acceptedAt">When the door took it in.</param>
    /// <param name="window">The dedupe window.</param>
    public static LeadKeys Keys(Lead lead, Guid? namedId, string? idempotencyKey, string door, DateTimeOffset acceptedAt, TimeSpan window)
    {
        var stable = new List<LeadKey>(3);
        if (namedId is { } id)
            stable.Add(new(LeadKeyKind.LeadId, Digest("lead", id.ToString("D"))));
        if (!string.IsNullOrEmpty(idempotencyKey))
            stable.Add(new(LeadKeyKind.Idempotency, Digest("idempotency", door, idempotencyKey)));
        if (lead.ExternalId is { } external)
            stable.Add(new(LeadKeyKind.External, Digest("external", lead.Source, external)));

        var email = new LeadKey(LeadKeyKind.EmailCampaign, Digest("email", lead.Email, lead.CampaignId ?? "none"));
        return new LeadKeys(namedId ?? DeterministicId.Create(DeterministicId.Leads, Name(stable, email, acceptedAt, window)), stable, email);
    }

    private static string Name(List<LeadKey> stable, LeadKey email, DateTimeOffset acceptedAt, TimeSpan window)
    {
        if (stable.Count > 0)
            return stable[0].Value;
        return email.Value + "/" + Bucket(acceptedAt, window).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The number of the window that a time falls into.</summary>
    public static long Bucket(DateTimeOffset acceptedAt, TimeSpan window) => acceptedAt.UtcTicks / Math.Max(1, window.Ticks);

    private static string Digest(string kind, params ReadOnlySpan<string> parts)
    {
        // Length before each part, so that ("ab", "c") and ("a", "bc") stay different.
        var text = new StringBuilder(kind);
        foreach (var part in parts)
            text.Append('\n').Append(part.Length).Append(':').Append(part);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
