// Creates a task with grpc-js, waits for it, reads it, and prints what it saw as one JSON object.
"use strict";
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const definition = loader.loadSync("qtaskdist/v1/task_service.proto", {
    includeDirs: [process.env.PROTO_DIR], keepCase: true, enums: String, longs: Number,
});
const { TaskService } = grpc.loadPackageDefinition(definition).qtaskdist.v1;
const client = new TaskService(process.env.TASK_ADDR, grpc.credentials.createInsecure());

function call(method, request) {
    return new Promise((resolve, reject) => {
        const deadline = new Date(Date.now() + 40000);
        client[method](request, { deadline }, (err, reply) => (err ? reject(err) : resolve(reply)));
    });
}

async function main() {
    const made = await call("CreateTask", {
        task_type: "TASK_TYPE_SIMULATE", enqueue: true,
        payload: { circuit_type: "CIRCUIT_TYPE_QASM", circuit_data: process.env.CIRCUIT, shots: 300 },
    });
    await call("WaitTask", { task_id: made.task_id, timeout_seconds: 30 });
    const task = await call("GetTask", { task_id: made.task_id });
    const refused = await call("GetTask", { task_id: "01890000-0000-7000-8000-000000000000" }).catch((err) => err);
    console.log(JSON.stringify({
        status: task.status, measurements: task.result.measurements, refusal: grpc.status[refused.code],
    }));
    client.close();
}

main().catch((err) => {
    console.error(err);
    process.exitCode = 1;
});
