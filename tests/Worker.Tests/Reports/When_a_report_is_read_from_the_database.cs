using LeadPipeline.TestKit;
using LeadPipeline.Worker.Reports;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Tests.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LeadPipeline.Worker.Tests.Reports;

public sealed class When_a_report_is_read_from_the_database
{
    [Test]
    public async Task Should_tell_what_became_of_the_leads()
    {
        await using var service = await RunningService.StartAsync([.. RunningService.Token(0, "admin", "admin", "leads:write leads:enrich")]);
        string[] ids = [await PostAsync(service, "one@acme.example"), await PostAsync(service, "two@beta.example")];
        await Eventually.ShouldAsync(async () => (await Task.WhenAll(ids.Select(async id => (await service.CallAsync("GET", $"/leads/{id}", "admin")).Json["status"]!.GetValue<string>()))).All(s => s == "Completed"), "finish the leads");

        var report = await new ReportReader(service.App.Services.GetRequiredService<SqlDatabase>(), TimeProvider.System).ReadAsync(DateTimeOffset.UtcNow.AddDays(-1), CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Funnel.Select(f => f.Leads), Is.All.EqualTo(2));
            Assert.That(report.Sources.Select(s => (s.Source, s.Leads)), Is.EqualTo(new[] { ("api", 2) }));
            Assert.That(report.TimeToCrm.Sum(b => b.Leads), Is.EqualTo(2));
            Assert.That(ReportJson.Write(report).ToJsonString(), Does.Not.Contain("acme").And.Contain("\"leads\":2"));
        }
    }

    private static async Task<string> PostAsync(RunningService service, string email) =>
        (await service.CallAsync("POST", "/leads", "admin", body: $$"""{ "email": "{{email}}", "enrichment": { "company": "Acme", "employees": "500" }, "marketing": { "pageViews": 5 } }""")).Json["leadId"]!.GetValue<string>();
}
