using System.Globalization;

namespace LeadPipeline.Chaos.Tests;

/// <summary>How large a campaign is.</summary>
/// <param name="Leads">Leads that are posted.</param>
/// <param name="Workers">Workers at once.</param>
/// <param name="Seed">What everything that is left to chance follows from.</param>
/// <param name="Trouble">For how long things are done to it.</param>
public sealed record ChaosOptions(int Leads, int Workers, int Seed, TimeSpan Trouble)
{
    /// <summary>What the variables <c>LEADPIPELINE_CHAOS_{LEADS,WORKERS,SEED,SECONDS}</c> say; null: none of them is set.</summary>
    public static ChaosOptions? FromEnvironment()
    {
        var (leads, workers, seed, seconds) = (Number("LEADS"), Number("WORKERS"), Number("SEED"), Number("SECONDS"));
        return leads is null && workers is null && seed is null && seconds is null
            ? null
            : new ChaosOptions(leads ?? 2000, workers ?? 3, seed ?? Random.Shared.Next(1, 1_000_000), TimeSpan.FromSeconds(seconds ?? 1500));
    }

    private static int? Number(string name) => Environment.GetEnvironmentVariable("LEADPIPELINE_CHAOS_" + name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
