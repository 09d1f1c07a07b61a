using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LeadPipeline.Bench.Door;
using Npgsql;

namespace LeadPipeline.Bench.Load;

/// <summary>What a flood came to.</summary>
/// <param name="Answers">How often each status was answered.</param>
/// <param name="PostedSeconds">From the first post to the last answer.</param>
/// <param name="DoneSeconds">From the first post to the last end.</param>
/// <param name="Lost">Leads that were answered 202 and have not ended.</param>
/// <param name="Overtaken">The most leads accepted later that were done before one.</param>
/// <param name="Bound">How many may be: what three consumers and two stages hold, and the posts at once.</param>
/// <param name="PeakMegabytes">The worker's memory at its highest.</param>
/// <param name="OtherCores">Cores that others kept busy.</param>
internal sealed record FloodFigures(IReadOnlyDictionary<int, int> Answers, double PostedSeconds, double DoneSeconds, int Lost, int Overtaken, int Bound, double? PeakMegabytes, double? OtherCores);

/// <summary>More leads at once than can be done, posted at one worker with little memory.</summary>
internal sealed class FloodSession(BenchOptions options)
{
    private const string Heap = "0x10000000";

    public async Task<int> RunAsync()
    {
        await using var place = await Place.CreateAsync();
        await using var consumers = await Consumers.WorkersAsync(options, place, 1, RunPurpose.Measure, ("DOTNET_GCHeapHardLimit", Heap));
        var worker = consumers.Processes[0];
        var requests = DoorRequests.Leads(consumers.Addresses[0], 1, options.Flood);
        var order = 0;
        var orders = new Dictionary<Guid, int>(requests.Count);
        var answers = new SortedDictionary<int, int>();

        var (machine, ours) = (ProcessCpu.OfMachine(), Ours());
        var began = DateTimeOffset.UtcNow;
        var watch = Stopwatch.StartNew();
        _ = await DoorLoad.PostAsync(consumers.Addresses[0], requests, options.Connections, (number, answer) =>
        {
            var status = int.Parse(answer.Slice("HTTP/1.1 ".Length, 3), CultureInfo.InvariantCulture);
            lock (orders)
            {
                answers[status] = answers.GetValueOrDefault(status) + 1;
                if (status == 202)
                    orders[LeadId(answer)] = order++;
            }
        });
        var posted = watch.Elapsed.TotalSeconds;
        _ = await new BrokerRun(options, place, consumers).SettleAsync(began.AddMinutes(-1), orders.Count);
        var seconds = watch.Elapsed.TotalSeconds;
        var ends = await EndsAsync(place);
        var figures = new FloodFigures(
            answers, posted, seconds, orders.Keys.Count(l => !ends.ContainsKey(l)), Overtaking.Most([.. orders.Where(o => ends.ContainsKey(o.Key)).OrderBy(o => ends[o.Key]).Select(o => o.Value)]),
            (3 * options.PrefetchInForce) + (2 * options.HandOverInForce) + options.Connections, ProcessCpu.PeakMegabytes(worker.Id), (ProcessCpu.OfMachine() - machine - (Ours() - ours)) / seconds);
        Print(figures);
        return figures.Lost == 0 && !worker.HasExited && figures.Overtaken <= figures.Bound ? 0 : 1;

        double? Ours() => ProcessCpu.OfTree(worker.Id) + ProcessCpu.OfTree(Servers.Broker) + ProcessCpu.OfTree(Servers.Database) + Environment.CpuUsage.TotalTime.TotalSeconds;
    }

    private void Print(FloodFigures figures)
    {
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(figures));
            return;
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"""
            {options.Flood} posts at a worker with a heap of 256 MB
              answers                              {string.Join(", ", figures.Answers.Select(a => $"{a.Key}: {a.Value}"))}
              posted, s                            {figures.PostedSeconds:0.0}
              all done, s                          {figures.DoneSeconds:0.0}
              accepted and not ended               {figures.Lost}
              later leads done before one          {figures.Overtaken} at most; allowed are {figures.Bound}
              worker's peak memory, MB             {figures.PeakMegabytes:0}
              cores that others kept busy          {figures.OtherCores:0.00}
            """));
    }

    private static async Task<Dictionary<Guid, DateTime>> EndsAsync(Place place)
    {
        await using var connection = await place.Database.ConnectAsync();
        await using var command = new NpgsqlCommand("SELECT id, updated_at FROM leads WHERE pending IS NULL", connection);
        await using var rows = await command.ExecuteReaderAsync();
        var ends = new Dictionary<Guid, DateTime>();
        while (await rows.ReadAsync())
            ends[rows.GetGuid(0)] = rows.GetDateTime(1);
        return ends;
    }

    private static Guid LeadId(ReadOnlySpan<byte> answer)
    {
        var body = answer[(answer.IndexOf("\r\n\r\n"u8) + 4)..];
        // Between the braces: the body may come in chunks.
        return JsonElement.Parse(body[body.IndexOf((byte)'{')..(body.LastIndexOf((byte)'}') + 1)]).GetProperty("leadId").GetGuid();
    }
}
