using System.Globalization;
using Npgsql;

namespace LeadPipeline.Bench.Outside;

/// <summary>Works out what leads waited for outside, and what we have added.</summary>
internal sealed class OutsideReader(BenchOptions options, Place place, Consumers consumers)
{
    private readonly List<string> notes = [];

    /// <summary>What does not add up.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>Reads what the leads since then waited.</summary>
    /// <param name="began">From when on they were received.</param>
    /// <param name="before">Counters before.</param>
    /// <param name="after">Counters after.</param>
    /// <param name="sent">When each was posted; null: they were not.</param>
    /// <param name="seen">When each one's end was heard of.</param>
    public async Task<OutsideFigures> ReadAsync(
        DateTimeOffset began, Snapshot before, Snapshot after, IReadOnlyDictionary<Guid, DateTimeOffset>? sent, IReadOnlyDictionary<Guid, DateTimeOffset>? seen)
    {
        var leads = await OutsideWaits.ReadAsync(place.Database, began);
        double n = leads.Count;
        var (counted, stated) = (after.Runtime.CrmCalls - before.Runtime.CrmCalls, leads.Sum(l => l.Crm));
        if (counted != stated)
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"the workers count {counted} calls to the CRM, the leads' rows tell of {stated}: some leads were decided again or put off"));
        // By what was really called, also where it was more than it had to be: then more was waited for.
        var wait = ((leads.Sum(l => l.Model) * options.ModelWait.TotalSeconds) + (counted * options.CrmWait.TotalSeconds)) / n;
        return new OutsideFigures(leads.Sum(l => l.Model) / n, counted / n, wait, wait > 0 ? options.PrefetchInForce * consumers.Processes.Count / wait : null, await SteadyAsync(began, n))
        {
            Overhead = Spread.Of([.. leads.Select(l => l.Milliseconds - l.Wait(options))]),
            OverheadSeen = sent is null || seen is null ? null : Spread.Of([.. leads.Where(l => seen.ContainsKey(l.LeadId)).Select(l => (seen[l.LeadId] - sent[l.LeadId]).TotalMilliseconds - l.Wait(options))]),
        };
    }

    private async Task<double> SteadyAsync(DateTimeOffset began, double leads)
    {
        await using var connection = await place.Database.ConnectAsync();
        await using var command = new NpgsqlCommand(
            "SELECT extract(epoch FROM percentile_disc(0.9) WITHIN GROUP (ORDER BY updated_at) - percentile_disc(0.1) WITHIN GROUP (ORDER BY updated_at))::float8 FROM leads WHERE received_at >= @since", connection)
        { Parameters = { new("since", began) } };
        return 0.8 * leads / (double)(await command.ExecuteScalarAsync())!;
    }
}
