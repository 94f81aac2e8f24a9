// The peer of bench/gateway.c: JSON to a message to wire bytes and back with the C++ protobuf
// library. Prints MB/s of JSON in and out. Usage: peer SET WIRE TYPE MILLISECONDS
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

using namespace google::protobuf;

static std::string read_file(const char *path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

int main(int argc, char **argv) {
    FileDescriptorSet set;
    if (argc != 5 || !set.ParseFromString(read_file(argv[1]))) {
        return 1;
    }
    DescriptorPool pool;
    for (const FileDescriptorProto &file : set.file()) {
        pool.BuildFile(file);
    }
    const Descriptor *type = pool.FindMessageTypeByName(argv[3]);
    if (type == nullptr) {
        return 1;
    }
    DynamicMessageFactory factory(&pool);
    util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    options.preserve_proto_field_names = true;
    std::unique_ptr<Message> message(factory.GetPrototype(type)->New());
    std::string json;
    if (!message->ParseFromString(read_file(argv[2])) ||
        !util::MessageToJsonString(*message, &json, options).ok()) {
        return 1;
    }
    double bytes = 0;
    clock_t start = clock();
    clock_t length = std::atol(argv[4]) * (CLOCKS_PER_SEC / 1000);
    while (clock() - start < length) {
        std::string wire;
        std::string back;
        message->Clear();
        if (!util::JsonStringToMessage(json, message.get()).ok() ||
            !message->SerializeToString(&wire) || !message->ParseFromString(wire) ||
            !util::MessageToJsonString(*message, &back, options).ok()) {
            return 1;
        }
        bytes += static_cast<double>(json.size() + back.size());
    }
    std::printf("%f\n", bytes / 1e6 / (static_cast<double>(clock() - start) / CLOCKS_PER_SEC));
    return 0;
}
