using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Planning;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>What outlives every worker: the database, the CRM, the queues, the clock.</summary>
public sealed record PaperWorld(SqlDatabase Database, ICrm Crm, LeadCipher Cipher, TimeProvider Time, MadeRecords Made, bool IsRemote, int HandOver)
{
    /// <summary>Messages that are not acknowledged, the next one first.</summary>
    public Queue<object> Queue { get; init; } = new();

    /// <summary>What happens between a lead's being loaded and its turn for the analyzer.</summary>
    public Func<Task> BeforeTheTurn { get; init; } = () => Task.CompletedTask;

    /// <summary>How long the CRM may carry out a call that was given up.</summary>
    public TimeSpan SettleTime { get; init; }

    /// <summary>How long an analysis may be held. For ever: a time that passes while something else happens would give the same way other points each time.</summary>
    public TimeSpan LongestHeld { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>Workers that have been started.</summary>
    public int Workers { get; set; }
}

/// <summary>
/// A worker as the program composes it, in this process and without the parts that work by themselves: messages are handed to it one at a time. It may end at
/// any of its awaits.
/// </summary>
public sealed class PaperWorker : IAsyncDisposable
{
    // Reading the policy takes longer than all that a lead takes.
    private static PolicyInForce? policy;

    private readonly ServiceProvider services;
    private readonly ILeadBus bus;

    public PaperWorker(PaperWorld world, DoomedProcess process)
    {
        Process = process;
        bus = new DoomedBus(world.Queue, process);
        var parts = new ServiceCollection();
        var settings = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            // Waits in place would wait for a clock that stands still.
            ["Retry:BaseDelay"] = "00:00:00",
            ["Crm:SettleTime"] = world.SettleTime.ToString(),
        }).Build();
        parts.AddLogging();
        parts.AddSingleton<IConfiguration>(settings);
        parts.AddPipeline(settings, "Test", AppContext.BaseDirectory);
        parts.Replace(ServiceDescriptor.Singleton<SqlDatabase>(new DoomedDatabase(world.Database, process)));
        parts.Replace(ServiceDescriptor.Singleton<ICrm>(new DoomedCrm(world.Crm, process, world.Made)));
        parts.Replace(ServiceDescriptor.Singleton<IAnalyzer>(new DoomedAnalyzer(new RulesAnalyzer(), process, world.IsRemote, world.BeforeTheTurn)));
        parts.Replace(ServiceDescriptor.Singleton(bus));
        parts.Replace(ServiceDescriptor.Singleton<WorkerIdentity>(new PaperIdentity(++world.Workers)));
        parts.Replace(ServiceDescriptor.Singleton(world.Cipher));
        parts.Replace(ServiceDescriptor.Singleton(world.Time));
        parts.Replace(ServiceDescriptor.Singleton(new Retrying(world.Database, new Hurry(), NullLogger<Retrying>.Instance)));
        parts.Replace(ServiceDescriptor.Singleton(s => new LeadStore(s.GetRequiredService<SqlDatabase>(), s.GetRequiredService<LeadCommitter>(), world.Cipher, s.GetRequiredService<IAuditSink>(), world.Time) { LongestHeld = world.LongestHeld }));
        parts.Replace(ServiceDescriptor.Singleton(new StageRoom(world.HandOver, world.HandOver)));
        if (policy is not null)
            parts.Replace(ServiceDescriptor.Singleton(policy));
        services = parts.BuildServiceProvider();
        policy ??= services.GetRequiredService<PolicyInForce>();
    }

    public DoomedProcess Process { get; }

    /// <summary>A part of it.</summary>
    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>Does with a message what a consumer does. That it comes back means that it may be acknowledged.</summary>
    public async Task HandleAsync(object message)
    {
        var runner = services.GetRequiredService<StageRunner>();
        if (message is StageCommand command)
        {
            await runner.RunAsync(command, bus, CancellationToken.None);
        }
        else
        {
            var next = await services.GetRequiredService<IntakeHandler>().HandleAsync((LeadSubmitted)message) switch
            {
                IntakeResult.Accepted accepted => accepted.Next,
                IntakeResult.Duplicate duplicate => duplicate.Next,
                var other => throw new InvalidOperationException($"A lead of the matrix was {other}."),
            };
            await runner.ContinueAsync(next, bus, CancellationToken.None);
        }
        Process.Pass("before acknowledging");
    }

    public ValueTask DisposeAsync() => services.DisposeAsync();

    /// <summary>A clock by which no wait takes any time.</summary>
    private sealed class Hurry : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }

    /// <summary>The newest worker lives, and those before it are gone.</summary>
    private sealed class PaperIdentity : WorkerIdentity
    {
        public PaperIdentity(int id) => Id = id;

        public override Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task<bool> IsAliveAsync(int worker, CancellationToken cancellationToken) => Task.FromResult(worker == Id);

        public override Task<bool> IsAnyAliveAsync(CancellationToken cancellationToken) => Task.FromResult(true);

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
