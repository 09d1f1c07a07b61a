using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace LeadPipeline.Bench.Load;

/// <summary>What a restart came to.</summary>
/// <param name="Done">Leads that had ended when the worker was killed.</param>
/// <param name="InHand">Leads that it had stored and not brought to an end.</param>
/// <param name="Waiting">Leads that the broker held.</param>
/// <param name="FirstSeconds">From the start of the next worker's process to the first lead that ended.</param>
/// <param name="AllSeconds">And to the last.</param>
/// <param name="Sound">Whether each lead ended, once.</param>
/// <param name="OtherCores">Cores that others kept busy.</param>
internal sealed record RecoverFigures(long Done, long InHand, long Waiting, double FirstSeconds, double AllSeconds, bool Sound, double? OtherCores);

/// <summary>Kills a worker that has accepted many leads, and starts another one.</summary>
internal sealed class RecoverSession(BenchOptions options)
{
    public async Task<int> RunAsync()
    {
        var sound = true;
        for (var run = 1; run <= options.Runs; run++)
        {
            var figures = await MeasureAsync(run);
            sound &= figures.Sound;
            Console.WriteLine(options.Json
                ? JsonSerializer.Serialize(figures)
                : string.Create(CultureInfo.InvariantCulture,
                    $"killed with {figures.Done} leads done, {figures.InHand} in hand, {figures.Waiting} waiting: the first was done after {figures.FirstSeconds:0.0} s, all after {figures.AllSeconds:0.0} s; {(figures.Sound ? "all ended" : "NOT SOUND")}; others on {figures.OtherCores:0.00} cores"));
        }
        return sound ? 0 : 1;
    }

    private async Task<RecoverFigures> MeasureAsync(int run)
    {
        await using var place = await Place.CreateAsync();
        var began = DateTimeOffset.UtcNow;
        await using (var first = await Consumers.WorkersAsync(options, place, 1))
        {
            var generator = new LeadGenerator(run);
            await LeadPublisher.PublishAsync(place.Broker, first.Queue, Enumerable.Range(0, options.Recover).Select(generator.Next));
            first.Processes[0].Kill();
        }
        var done = await place.Database.QueryAsync<long>("SELECT count(*) FROM leads WHERE pending IS NULL");
        var stored = await place.Database.QueryAsync<long>("SELECT count(*) FROM leads");

        var (machine, watch, restarted) = (ProcessCpu.OfMachine(), Stopwatch.StartNew(), DateTimeOffset.UtcNow);
        var (servers, self) = (ProcessCpu.OfTree(Servers.Broker) + ProcessCpu.OfTree(Servers.Database), Environment.CpuUsage.TotalTime.TotalSeconds);
        await using var second = await Consumers.WorkersAsync(options, place, 1);
        _ = await new BrokerRun(options, place, second).SettleAsync(began, options.Recover);
        var ours = ProcessCpu.OfTree(second.Processes[0].Id) + ProcessCpu.OfTree(Servers.Broker) + ProcessCpu.OfTree(Servers.Database) - servers + Environment.CpuUsage.TotalTime.TotalSeconds - self;
        return new RecoverFigures(
            done, stored - done, options.Recover - stored, await AfterAsync("min"), await AfterAsync("max"), await place.Database.QueryAsync<long>("SELECT count(*) FROM leads WHERE pending IS NULL") == options.Recover,
            (ProcessCpu.OfMachine() - machine - ours) / watch.Elapsed.TotalSeconds);

        async Task<double> AfterAsync(string which) =>
            (await place.Database.QueryAsync<DateTime>(string.Create(CultureInfo.InvariantCulture, $"SELECT {which}(updated_at) FROM leads WHERE pending IS NULL AND updated_at >= '{restarted:O}'")) - restarted.UtcDateTime).TotalSeconds;
    }
}
