namespace LeadPipeline.Chaos.Tests;

/// <summary>What can be done to workers, servers and the network between them.</summary>
internal enum ChaosKind
{
    /// <summary>SIGKILL to a worker, and a new one in its place.</summary>
    KillWorker,
    /// <summary>SIGTERM to a worker, and a new one in its place.</summary>
    StopWorker,
    /// <summary>A worker is frozen for a while: it keeps its connections and its lock, and does nothing.</summary>
    FreezeWorker,
    /// <summary>SIGKILL to PostgreSQL.</summary>
    KillDatabase,
    /// <summary>PostgreSQL is frozen for a while.</summary>
    PauseDatabase,
    /// <summary>RabbitMQ is stopped and started.</summary>
    RestartBroker,
    /// <summary>RabbitMQ is frozen for a while.</summary>
    PauseBroker,
    /// <summary>All connections to PostgreSQL end.</summary>
    CutDatabase,
    /// <summary>All connections to RabbitMQ end.</summary>
    CutBroker,
    /// <summary>Nothing passes between workers and PostgreSQL for a while.</summary>
    HoldDatabase,
    /// <summary>Nothing passes between workers and RabbitMQ for a while.</summary>
    HoldBroker,
    /// <summary>PostgreSQL does what it is told, and nobody hears that it did.</summary>
    LoseDatabaseAnswers,
    /// <summary>RabbitMQ takes messages, and nobody hears that it did.</summary>
    LoseBrokerAnswers,
    /// <summary>The way to PostgreSQL is slow for a while.</summary>
    SlowDatabase,
    /// <summary>The way to RabbitMQ is slow for a while.</summary>
    SlowBroker,
}

/// <summary>One thing that is done.</summary>
/// <param name="Wait">How long all is left in peace before.</param>
/// <param name="Kind">What is done.</param>
/// <param name="Worker">To which worker, when to one.</param>
/// <param name="For">For how long, when for a while.</param>
internal sealed record ChaosAct(TimeSpan Wait, ChaosKind Kind, int Worker, TimeSpan For);

/// <summary>What is done one after the other: the same seed, the same acts in the same order with the same waits.</summary>
internal static class ChaosSchedule
{
    // Workers die most, since that is what workers do; a server's restart takes seconds of a campaign that has not many.
    private static readonly (ChaosKind Kind, int Weight)[] Weights =
    [
        (ChaosKind.KillWorker, 8), (ChaosKind.StopWorker, 2), (ChaosKind.FreezeWorker, 2),
        (ChaosKind.KillDatabase, 2), (ChaosKind.PauseDatabase, 2), (ChaosKind.RestartBroker, 1), (ChaosKind.PauseBroker, 2),
        (ChaosKind.CutDatabase, 4), (ChaosKind.CutBroker, 4), (ChaosKind.HoldDatabase, 2), (ChaosKind.HoldBroker, 2),
        (ChaosKind.LoseDatabaseAnswers, 4), (ChaosKind.LoseBrokerAnswers, 4), (ChaosKind.SlowDatabase, 1), (ChaosKind.SlowBroker, 1),
    ];

    /// <summary>Without end.</summary>
    public static IEnumerable<ChaosAct> Of(int seed, int workers)
    {
        var dice = new Dice(seed);
        var kinds = Weights.SelectMany(w => Enumerable.Repeat(w.Kind, w.Weight)).ToArray();
        for (var round = 0; ; round++)
        {
            // Each round does everything by its weight, shuffled anew: a short campaign has some of all rather than much of one.
            var shuffled = kinds.Select((kind, i) => (kind, order: dice.Roll("order", round, i), i)).OrderBy(k => k.order);
            foreach (var (kind, _, i) in shuffled)
            {
                yield return new ChaosAct(
                    TimeSpan.FromSeconds(dice.Between(0.2, 1.5, "wait", round, i)), kind, (int)(dice.Roll("worker", round, i) * workers),
                    TimeSpan.FromSeconds(dice.Between(0.3, kind == ChaosKind.FreezeWorker ? 4 : 2.5, "for", round, i)));
            }
        }
    }
}
