using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Storage;

[TestFixture]
public sealed class SharedRecordsTests
{
    [Test]
    public void Should_know_every_tool_whose_records_several_leads_may_work_with() =>
        Assert.That(LeadTables.ToolsOfSharedRecords, Is.EquivalentTo(ToolRegistry.Default().All.Where(t => t.FindsOrCreates).Select(t => t.Name)));
}
