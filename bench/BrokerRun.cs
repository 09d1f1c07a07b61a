using System.Diagnostics;
using LeadPipeline.Bench.Outside;
using Npgsql;

namespace LeadPipeline.Bench;

/// <summary>One run against real servers: workers as processes, a warm-up, then the leads that count.</summary>
internal sealed class BrokerRun(BenchOptions options, Place place, Consumers consumers)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5), Look = TimeSpan.FromMilliseconds(400);

    /// <summary>Measures one way of running, and the floor right after it where that is asked for.</summary>
    public static async Task<Figures> RunAsync(BenchOptions options, int run, RunPurpose purpose, Variant variant)
    {
        await using var made = variant.Place is null ? await Place.CreateAsync() : null;
        var place = variant.Place ?? made!;
        if (purpose == RunPurpose.CountStatements)
            await place.Database.ExecuteAsync($"ALTER DATABASE \"{place.Database.Name}\" SET log_min_duration_statement = 0; ALTER DATABASE \"{place.Database.Name}\" SET log_parameter_max_length = 0");
        Figures figures;
        await using (var workers = await Consumers.WorkersAsync(options, place, variant.Workers, purpose))
            figures = await new BrokerRun(options, place, workers).MeasureAsync(run, purpose);
        if (!options.Floor || purpose != RunPurpose.Measure)
            return figures;
        await using var floor = await Consumers.FloorAsync(options, place);
        // Bare: it waits for nobody, so that no share of an ideal is to be had.
        return figures with { Floor = await new BrokerRun(options with { ModelDelay = 0, CrmDelay = 0, Rate = 0 }, place, floor).MeasureAsync(run, purpose) };
    }

    /// <summary>Publishes leads that do not count, and waits for their end.</summary>
    public async Task WarmUpAsync(int run)
    {
        var began = DateTimeOffset.UtcNow;
        var generator = new LeadGenerator(1_000_000 + run);
        await LeadPublisher.PublishAsync(place.Broker, consumers.Queue, Enumerable.Range(0, options.WarmUp).Select(generator.Next));
        await SettleAsync(began, options.WarmUp);
    }

    /// <summary>Waits until so many leads have ended and all their events are out; answers how often it had to look.</summary>
    public async Task<int> SettleAsync(DateTimeOffset since, int leads)
    {
        var watch = Stopwatch.StartNew();
        await using var connection = await place.Database.ConnectAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FILTER (WHERE sweep_at IS NULL) FROM leads WHERE received_at >= @since", connection) { Parameters = { new("since", since) } };
        var seen = 0L;
        for (var looks = 1; ; looks++)
        {
            var ended = (long)(await command.ExecuteScalarAsync())!;
            if (ended >= leads)
                return looks;
            if (ended > seen)
                watch.Restart();
            seen = ended;
            if (watch.Elapsed > Patience)
                throw new TimeoutException($"For {Patience} no lead has ended, and {leads - ended} of {leads} are open.\n{consumers.Processes[0].Transcript()}");
            if (consumers.Processes.FirstOrDefault(w => w.HasExited) is { } gone)
                throw new InvalidOperationException($"A worker has ended with exit code {gone.ExitCode}.\n{gone.Transcript()}");
            await Task.Delay(Look);
        }
    }

    private async Task<Figures> MeasureAsync(int run, RunPurpose purpose)
    {
        using var counters = new BrokerCounters(place.Broker);
        await WarmUpAsync(run);
        // As autovacuum does within a minute: plans made for empty tables read them from end to end.
        if (!place.IsFilled)
            await place.Database.ExecuteAsync("ANALYZE");
        await Task.Delay(BrokerCounters.Age);

        // Made before, so that the generator's share is what it takes to publish.
        var generator = new LeadGenerator(run);
        var leads = Enumerable.Range(0, options.Leads).Select(generator.Next).ToList();
        var logFrom = Servers.LogEnd;
        using var profile = purpose == RunPurpose.Profile ? CpuProfile.Start(consumers.Processes[0].Id, options.Profile!) : null;
        await using var ends = options.Rate > 0 ? await EndsSeen.ListenAsync(place.Broker) : null;
        var before = await Snapshot.TakeAsync(place, consumers, counters);
        var began = DateTimeOffset.UtcNow;
        var sent = options.Rate > 0 ? await PacedPosts.PostAsync(consumers.Addresses, leads, options.Rate) : null;
        if (sent is null)
            await LeadPublisher.PublishAsync(place.Broker, consumers.Queue, leads);
        var looks = await SettleAsync(began, options.Leads);
        var after = await Snapshot.TakeAsync(place, consumers, counters, wait: true);
        if (profile is not null)
            await profile.FinishAsync();

        var figures = await new RunFigures(options, place, consumers).ReadAsync(began, before, after, looks, purpose == RunPurpose.CountStatements ? logFrom : null);
        if (options.ModelDelay == 0 && options.CrmDelay == 0 && sent is null)
            return figures;
        var outside = new OutsideReader(options, place, consumers);
        return figures with { Outside = await outside.ReadAsync(began, before, after, sent, ends?.At), Notes = [.. figures.Notes, .. outside.Notes] };
    }
}
