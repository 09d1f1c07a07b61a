using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Lookups;

/// <summary>Reads at the sender what its posts only refer to. Asks the configured address and no other: no address in a post or a lead is ever called.</summary>
public interface ILeadLookup
{
    /// <summary>Reads leads by the sender's ids.</summary>
    /// <param name="ids">Digits only, each once.</param>
    /// <param name="cancellationToken">The sender's patience.</param>
    Task<LookupResult> FindAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken);
}

/// <summary>What came of a look-up. A closed family.</summary>
public abstract record LookupResult
{
    private LookupResult() { }

    /// <summary>The sender has answered for every id.</summary>
    /// <param name="Leads">In the shape of <c>POST /leads</c>, by id; those that it does not know are not there.</param>
    public sealed record Found(IReadOnlyDictionary<string, JsonElement> Leads) : LookupResult;

    /// <summary>It cannot be asked now: not reachable, too busy, or it refuses our token. Nothing is taken, and the sender's retry asks again.</summary>
    /// <param name="Reason">Why, without personal data.</param>
    /// <param name="RetryAfter">How long to wait, when somebody said.</param>
    public sealed record NotNow(string Reason, TimeSpan? RetryAfter = null) : LookupResult;
}
